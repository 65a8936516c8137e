// says: define `void web_socket_transfer_data\(BlockingRequest& request\)` in this file
#include <cppwebsocket/blocking_handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(BlockingRequest&) {}
