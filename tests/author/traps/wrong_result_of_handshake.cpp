// says: web_socket_do_extra_handshake returns something else: write `void web_socket_do_extra_handshake\(Request& request\)`
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

bool web_socket_do_extra_handshake(Request&) { return true; }
Task<> web_socket_transfer_data(Request&) { co_return; }
