// ws://host/echo sends every message back, texts as text and binary as binary.
// In the console: connect, send anything.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  while (auto message = co_await msgutil::receive_message(request))
    co_await msgutil::send_message(request, std::move(*message));
}
