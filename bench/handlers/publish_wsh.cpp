// The one that sends in the fan-out rows: what comes goes to all members.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  const Channel channel = Channel::named("bench");
  while (auto message = co_await msgutil::receive_message(request))
    channel.publish(std::move(*message));
}
