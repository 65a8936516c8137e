// ws://host/abort drops the TCP connection as soon as it is open, without a Close frame.
// In the console: connect; the state shows 1006, abnormal closure.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request&) {
  throw AbortedByUserException("abort_wsh always does");
  co_return;
}
