// ws://host/origin_check accepts pages from http://localhost only. It decides by itself, so its
// location needs "WebSocketOrigin Any"; else httpd has refused other origins before it is asked.
// In the console: refused with 403, unless you opened the page as http://localhost/ (port 80).
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request& request) {
  // The whole value, never a part: http://localhost.example.com begins the same way.
  if (request.ws_origin() != "http://localhost") {
    const std::string origin(request.ws_origin().value_or("none"));
    throw HandshakeException(403, "origin not allowed: " + origin);
  }
}

Task<> web_socket_transfer_data(Request& request) {
  const std::string resource(request.ws_resource());
  co_await msgutil::send_message(request, resource + " welcomes http://localhost");
}
