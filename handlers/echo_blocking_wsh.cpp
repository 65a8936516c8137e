// ws://host/echo_blocking is echo in the blocking style: plain calls that wait, no co_await. The
// handler may call anything that blocks; each open connection holds a thread.
// In the console: connect, send anything.
#include <cppwebsocket/blocking_handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(BlockingRequest&) {}

void web_socket_transfer_data(BlockingRequest& request) {
  while (auto message = msgutil::receive_message(request))
    msgutil::send_message(request, std::move(*message));
}
