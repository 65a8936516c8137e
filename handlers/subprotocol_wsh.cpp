// ws://host/subprotocol speaks chat.example or echo.example, whichever the server likes best of
// those that the client offers; a client that offers neither goes on without.
// In the console: offer "echo.example, chat.example" and connect; the first message names the
// choice. (A browser gives up if it offered some and none was chosen: RFC 6455 §4.1.)
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request& request) {
  request.select_ws_protocol({"chat.example", "echo.example"});
}

Task<> web_socket_transfer_data(Request& request) {
  const std::string chosen(request.ws_protocol().value_or("none"));
  co_await msgutil::send_message(request, "subprotocol: " + chosen);
  while (auto message = co_await msgutil::receive_message(request))
    co_await msgutil::send_message(request, std::move(*message));
}
