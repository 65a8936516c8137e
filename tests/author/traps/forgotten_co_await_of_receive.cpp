// says: unused|nodiscard|ignoring
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
Task<> web_socket_transfer_data(Request& request) {
  Channel::named("room").join(request).receive();
  co_return;
}
