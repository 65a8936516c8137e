// says: unused|nodiscard|ignoring
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
Task<> greet(Request& request) { co_await msgutil::send_message(request, "hello"); }
Task<> web_socket_transfer_data(Request& request) {
  greet(request);
  co_return;
}
