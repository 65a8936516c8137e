// Tells its version and echoes with it: for replacing a handler under running connections. "raise"
// raises an exception whose type is in this file alone.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

#ifndef PROBE_VERSION
#define PROBE_VERSION "1"
#endif

namespace {

struct OwnException final : std::exception {
  const char* what() const noexcept override { return "of version " PROBE_VERSION; }
};

}  // namespace

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  co_await msgutil::send_message(request, "version " PROBE_VERSION);
  while (auto message = co_await msgutil::receive_message(request)) {
    if (message->payload() == "raise") throw OwnException();
    co_await msgutil::send_message(request, PROBE_VERSION ": " + message->payload());
  }
}
