// says: web_socket_once_per_child takes something else: write `Task<> web_socket_once_per_child\(Background& background\)`
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
Task<> web_socket_transfer_data(Request&) { co_return; }
Task<> web_socket_once_per_child(Request&) { co_return; }
