// says: spawn takes a task or a function without parameters that returns one: write `request.spawn\(
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
Task<> web_socket_transfer_data(Request& request) {
  request.spawn([] {});
  co_return;
}
