// Answers ws://host/@NAME@: gives every message back to all who are connected.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}  // return: accept. Throw: refuse

Task<> web_socket_transfer_data(Request& request) {
  auto room = Channel::named("@NAME@").join(request);
  const std::string hello = "welcome to @NAME@";
  co_await msgutil::send_message(request, hello);
  while (auto message = co_await msgutil::receive_message(request)) room.publish(std::move(*message));
}
