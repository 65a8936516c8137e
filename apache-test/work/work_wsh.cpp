// Work without a connection that tells what it does: in the log, and in the channel "work".
#include <unistd.h>

#include <chrono>

#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;
using namespace std::chrono_literals;

static const std::string self = std::string(VERSION) + " in " + std::to_string(::getpid());

static void tell(Background& background, const std::string& text) {
  background.log(LogLevel::notice, text + " of " + self);
}

void web_socket_do_extra_handshake(Request& request) { Channel::named("work").reserve(request); }

Task<> web_socket_transfer_data(Request& request) {
  const auto membership = Channel::named("work").join(request);
  while (auto message = co_await msgutil::receive_message(request)) {
  }
}

Task<> web_socket_once_per_child(Background& background) {
  tell(background, "child begins");
#ifdef RAISES
  throw std::runtime_error("out of order");
#endif
  try {
    const auto sum = co_await background.run_blocking([] { return 40 + 2; });
    if (sum == 42) co_await background.sleep_for(1h);
  } catch (const StoppedException&) {
    tell(background, "child ends");
    throw;
  }
}

Task<> web_socket_once_per_httpd(Background& background) {
  tell(background, "httpd begins");
  try {
    for (;;) {
      Channel::named("work").publish(self);
      co_await background.sleep_for(50ms);
    }
  } catch (const StoppedException&) {
    tell(background, "httpd ends");
    throw;
  }
}
