// The same as work_wsh.cpp, in the blocking style.
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include <cppwebsocket/blocking_handler.hpp>
using namespace cppwebsocket;
using namespace std::chrono_literals;

static const std::string self = std::string(VERSION) + " in " + std::to_string(::getpid());

static void tell(BlockingBackground& background, const std::string& text) {
  background.log(LogLevel::notice, text + " of " + self);
}

void web_socket_do_extra_handshake(BlockingRequest& request) {
  Channel::named("work").reserve(request);
}

void web_socket_transfer_data(BlockingRequest& request) {
  const auto membership = Channel::named("work").join(request);
  while (msgutil::receive_message(request)) {
  }
}

void web_socket_once_per_child(BlockingBackground& background) {
  tell(background, "child begins");
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait(lock, background.stop_token(), [] { return false; });
  tell(background, "child ends");
}

void web_socket_once_per_httpd(BlockingBackground& background) {
  tell(background, "httpd begins");
  try {
    for (;;) {
      Channel::named("work").publish(self);
      background.sleep_for(50ms);
    }
  } catch (const StoppedException&) {
    tell(background, "httpd ends");
    throw;
  }
}
