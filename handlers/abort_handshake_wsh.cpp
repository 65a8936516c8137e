// ws://host/abort_handshake drops the TCP connection without answering the handshake.
// In the console: connect; it fails, with nothing to be read.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {
  throw AbortedByUserException("abort_handshake_wsh always does");
}

Task<> web_socket_transfer_data(Request&) { co_return; }
