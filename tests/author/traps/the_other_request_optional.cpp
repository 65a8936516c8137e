// says: web_socket_going_away takes a BlockingRequest&: write `Task<> web_socket_going_away\(Request& request\)`
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
Task<> web_socket_transfer_data(Request&) { co_return; }
Task<> web_socket_going_away(BlockingRequest&) { co_return; }
