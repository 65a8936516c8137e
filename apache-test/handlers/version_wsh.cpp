// Tells its version and echoes with it: for replacing a handler under running connections.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

#ifndef PROBE_VERSION
#define PROBE_VERSION "1"
#endif

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  co_await msgutil::send_message(request, "version " PROBE_VERSION);
  while (auto message = co_await msgutil::receive_message(request))
    co_await msgutil::send_message(request, PROBE_VERSION ": " + message->payload());
}
