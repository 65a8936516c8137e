// says: a function that returns Task<> is a coroutine: write `co_return;`
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}
Task<> web_socket_transfer_data(Request&) { return {}; }
