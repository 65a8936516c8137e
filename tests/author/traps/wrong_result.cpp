// says: web_socket_transfer_data returns something else: write `Task<> web_socket_transfer_data\(Request& request\)`
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
void web_socket_transfer_data(Request&) {}
