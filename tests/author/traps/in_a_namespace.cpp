// says: define `Task<> web_socket_transfer_data\(Request& request\)` in this file, outside of any namespace
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
namespace mine {
Task<> web_socket_transfer_data(Request&) { co_return; }
}
