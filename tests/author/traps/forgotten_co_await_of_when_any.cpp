// says: unused|nodiscard|ignoring
#include <cppwebsocket/handler.hpp>
#include <cppwebsocket/wait.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
Task<> web_socket_transfer_data(Request& request) {
  when_any(request, request.readable(0), request.yield());
  co_return;
}
