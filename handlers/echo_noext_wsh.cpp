// ws://host/echo_noext is echo without extensions: its messages are never compressed.
// In the console: connect; "Extensions" stays empty whatever WebSocketCompression says.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request& request) { request.disable_ws_extensions(); }

Task<> web_socket_transfer_data(Request& request) {
  while (auto message = co_await msgutil::receive_message(request))
    co_await msgutil::send_message(request, std::move(*message));
}
