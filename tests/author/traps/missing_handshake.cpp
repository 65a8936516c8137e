// says: define `void web_socket_do_extra_handshake\(Request& request\)` in this file, outside of any namespace
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

Task<> web_socket_transfer_data(Request&) { co_return; }
