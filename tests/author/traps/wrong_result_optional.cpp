// says: web_socket_passive_closing_handshake returns something else: write `Close web_socket_passive_closing_handshake\(Request& request\)`
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
Task<> web_socket_transfer_data(Request&) { co_return; }
void web_socket_passive_closing_handshake(Request&) {}
