// ws://host/heartbeat sends "tick 1", "tick 2", … every second, or every N ms for ?N, while it
// echoes what comes. The ticker is a task of its own, and nothing here ends it: it cannot outlive
// the connection, and the error log (LogLevel cppwebsocket:info) tells when it ended.
// In the console: connect, watch, disconnect.
#include <algorithm>
#include <charconv>

#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}

struct LogWhenGone {
  Request& request;
  ~LogWhenGone() { request.log(LogLevel::info, "heartbeat: the ticker has ended"); }
};

static Task<> tick(Request& request, std::chrono::milliseconds interval) {
  const LogWhenGone log{request};
  for (unsigned count = 1;; ++count) {
    co_await request.sleep_for(interval);
    co_await msgutil::send_message(request, "tick " + std::to_string(count));
  }
}

Task<> web_socket_transfer_data(Request& request) {
  unsigned interval = 1000;  // ms
  const std::string_view query = request.ws_query();
  std::from_chars(query.data(), query.data() + query.size(), interval);
  request.spawn(tick(request, std::chrono::milliseconds(std::max(interval, 10u))));
  while (auto message = co_await msgutil::receive_message(request))
    co_await msgutil::send_message(request, std::move(*message));
}
