// A handler that asks again and again for what is there at once, and never has enough.
#include <chrono>

#include <cppwebsocket/channel.hpp>
#include <cppwebsocket/handler.hpp>
#include <cppwebsocket/membership.hpp>
#include <cppwebsocket/msgutil.hpp>

using namespace cppwebsocket;
using namespace std::chrono_literals;

namespace {

Task<> nap(Request& request) {
  for (;;) co_await request.sleep_for(0s);
}

Task<> look(Request& request) {
  for (;;) {
    try {
      co_await msgutil::receive_message(request, std::chrono::steady_clock::time_point{});
    } catch (const TimeoutException&) {
    }
  }
}

Task<> send_zeros(Request& request) {
  for (;;) co_await msgutil::send_message(request, Message::binary(std::string(100'000, '\0')));
}

}  // namespace

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  while (auto message = co_await msgutil::receive_message(request)) {
    const std::string command(message->payload());
    co_await msgutil::send_message(request, "so be it");
    if (command == "nap") co_await nap(request);
    if (command == "look") co_await look(request);
    if (command == "zeros") co_await send_zeros(request);
  }
}
