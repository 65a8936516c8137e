// says: web_socket_transfer_data takes a BlockingRequest&: write `Task<> web_socket_transfer_data\(Request& request\)`, or include <cppwebsocket/blocking_handler.hpp> instead of <cppwebsocket/handler.hpp>
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
Task<> web_socket_transfer_data(BlockingRequest&) { co_return; }
