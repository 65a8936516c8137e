// says: define `Task<> web_socket_transfer_data\(Request& request\)` in this file
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
Task<> web_socket_transfer_data(Request&, int) { co_return; }
