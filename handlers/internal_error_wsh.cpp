// ws://host/internal_error has a bug: an exception that nobody catches. Only its own connection
// ends, with 1011, and the error log names handler and cause.
// In the console: connect; the state shows 1011.
#include <stdexcept>

#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request&) {
  throw std::logic_error("internal_error_wsh fails on purpose");
  co_return;
}
