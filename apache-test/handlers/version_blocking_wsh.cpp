// As version_wsh.cpp, in the blocking style.
#include <cppwebsocket/blocking_handler.hpp>
using namespace cppwebsocket;

#ifndef PROBE_VERSION
#define PROBE_VERSION "1"
#endif

namespace {

struct OwnException final : std::exception {
  const char* what() const noexcept override { return "of version " PROBE_VERSION; }
};

}  // namespace

void web_socket_do_extra_handshake(BlockingRequest&) {}

void web_socket_transfer_data(BlockingRequest& request) {
  msgutil::send_message(request, "version " PROBE_VERSION);
  while (auto message = msgutil::receive_message(request)) {
    if (message->payload() == "raise") throw OwnException();
    if (message->payload() == "raise in a thread")
      request.spawn([](std::stop_token) { throw OwnException(); });
    else
      msgutil::send_message(request, PROBE_VERSION ": " + message->payload());
  }
}
