// Calls a function that nobody has; built without -z defs, so the linker does not mind.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void function_that_nobody_has();

void web_socket_do_extra_handshake(Request&) { function_that_nobody_has(); }
Task<> web_socket_transfer_data(Request&) { co_return; }
