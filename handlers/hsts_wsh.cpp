// ws://host/hsts adds a Strict-Transport-Security header to the handshake's answer. Browsers heed
// it on wss:// only.
// In the console: connect; one "Hello" comes, then the server closes.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request& request) {
  request.add_header("Strict-Transport-Security", "max-age=86400");
}

Task<> web_socket_transfer_data(Request& request) {
  co_await msgutil::send_message(request, "Hello");
}
