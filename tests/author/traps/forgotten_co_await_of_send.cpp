// says: unused|nodiscard|ignoring
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
Task<> web_socket_transfer_data(Request& request) {
  msgutil::send_message(request, "hello");
  co_return;
}
