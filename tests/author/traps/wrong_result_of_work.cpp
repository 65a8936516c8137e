// says: web_socket_once_per_child returns something else: write `Task<> web_socket_once_per_child\(Background& background\)`
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
Task<> web_socket_transfer_data(Request&) { co_return; }
void web_socket_once_per_child(Background&) {}
