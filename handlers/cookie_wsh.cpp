// ws://host/cookie?set, ?httponly and ?clear set and clear cookies in the handshake's answer; the
// one message tells which cookies the client sent.
// In the console: connect to /cookie?set, then to /cookie.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request& request) {
  const std::string_view command = request.ws_query();
  if (command == "set") {
    request.add_header("Set-Cookie", "foo=bar; Max-Age=86400");
  } else if (command == "httponly" || command == "set_httponly") {
    request.add_header("Set-Cookie", "httpOnlyCookie=true; Max-Age=86400; HttpOnly");
  } else if (command == "clear") {
    request.add_header("Set-Cookie", "foo=0; Max-Age=0");
    request.add_header("Set-Cookie", "httpOnlyCookie=0; Max-Age=0");
  }
}

Task<> web_socket_transfer_data(Request& request) {
  const std::string_view cookies = request.header("Cookie").value_or("");
  co_await msgutil::send_message(request, cookies);
}
