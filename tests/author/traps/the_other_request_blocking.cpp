// says: web_socket_do_extra_handshake takes a Request&: write `void web_socket_do_extra_handshake\(BlockingRequest& request\)`, or include <cppwebsocket/handler.hpp>
#include <cppwebsocket/blocking_handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
void web_socket_transfer_data(BlockingRequest&) {}
