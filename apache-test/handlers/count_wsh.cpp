// Counts as fast as it may, and says at the goodbye how many numbers send_message has accepted.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request& request) { request.user_data() = 0u; }

Task<> web_socket_transfer_data(Request& request) {
  auto& accepted = std::any_cast<unsigned&>(request.user_data());
  for (;;) {
    co_await msgutil::send_message(request, std::to_string(accepted));
    ++accepted;
    co_await request.sleep_for(std::chrono::milliseconds(20));
  }
}

Task<> web_socket_going_away(Request& request) {
  const auto accepted = std::any_cast<unsigned&>(request.user_data());
  const std::string text = "accepted " + std::to_string(accepted);
  co_await msgutil::send_message(request, text);
}
