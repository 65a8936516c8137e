// ws://host/ticker sends the seconds since 1970, every second, and the process that counted:
// "SECONDS by PID". However many clients there are, and in however many children, one task ticks
// for all of them: the one that leads the channel. When its connection ends or its child dies,
// another takes over at its next try, within two seconds or three. pages/ticker.html shows it.
#include <unistd.h>

#include <chrono>

#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;
using namespace std::chrono;

static Task<> tick(Request& request) {
  const Channel ticks = Channel::named("ticker");
  for (std::optional<Leadership> leadership;;) {
    if (!leadership) leadership = ticks.try_lead();
    // Always a later second than any leader before can have told, even if it awoke a little early.
    const auto now = system_clock::now();
    const auto next = floor<seconds>(now + 1010ms);
    co_await request.sleep_for(next - now);
    if (!leadership) continue;
    const auto second = next.time_since_epoch().count();
    ticks.publish(std::to_string(second) + " by " + std::to_string(::getpid()));
  }
}

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  const auto membership = Channel::named("ticker").join(request);
  request.spawn(tick(request));
  while (auto message = co_await msgutil::receive_message(request)) {
  }
}
