// One of the many in the fan-out rows: it joins and says nothing.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  JoinOptions options;
  options.max_queued = 16 << 20;
  const auto room = Channel::named("bench").join(request, options);
  while (auto message = co_await msgutil::receive_message(request)) {
  }
}
