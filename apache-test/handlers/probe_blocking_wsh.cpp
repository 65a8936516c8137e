// The blocking probe: the seed's style, each wait on its own thread.
#include <cppwebsocket/blocking_handler.hpp>

#include <thread>

#include "probe.hpp"
using namespace cppwebsocket;
using namespace std::chrono_literals;

void web_socket_do_extra_handshake(BlockingRequest& request) { probe::handshake(request); }

Close web_socket_passive_closing_handshake(BlockingRequest& request) {
  return probe::passive_close(request);
}

namespace {

using Milliseconds = std::chrono::milliseconds;

struct LogWhenGone {
  BlockingRequest& request;
  const char* what;
  ~LogWhenGone() { request.log(LogLevel::info, what); }
};

void tick(BlockingRequest& request, std::stop_token stop, Milliseconds interval) {
  const LogWhenGone log{request, "probe: ticker gone"};
  while (!stop.stop_requested()) {
    request.sleep_for(interval);
    msgutil::send_message(request, "tick");
  }
}

template <typename Function>
std::string outcome(Function&& function) {
  try {
    function();
  } catch (const BadOperationException&) {
    return "BadOperationException";
  } catch (const InvalidUTF8Exception&) {
    return "InvalidUTF8Exception";
  } catch (const TimeoutException&) {
    return "TimeoutException";
  } catch (const ConnectionTerminatedException&) {
    return "ConnectionTerminatedException";
  }
  return "nothing raised";
}

void flood(BlockingRequest& request, unsigned count, unsigned size) {
  const std::string payload(size, '*');
  for (unsigned i = 0; i < count; ++i)
    msgutil::send_message(request, Message::binary(std::string(payload)));
  request.log(LogLevel::info, "probe: flood done");
}

void from_thread(BlockingRequest& request, unsigned count) {
  std::jthread([&request, count] {
    for (unsigned i = 0; i < count; ++i)
      msgutil::send_message(request, "from a thread " + std::to_string(i));
  }).join();
}

bool obey(BlockingRequest& request, std::string_view rest) {
  const std::string_view command = probe::word(rest);
  if (command == "return") return false;
  if (command == "raise") probe::raise(rest);
  if (command == "handshake") {
    msgutil::send_message(request, std::any_cast<std::string>(request.user_data()));
  } else if (command == "properties") {
    msgutil::send_message(request, probe::properties(request, false));
  } else if (command == "close") {
    const auto code = static_cast<CloseCode>(probe::number(probe::word(rest)));
    msgutil::close_connection(request, code, rest);
    request.log(LogLevel::info, probe::ending(request, "closed"));
    const auto after = outcome([&] { msgutil::send_message(request, "too late"); });
    request.log(LogLevel::info, "probe: send after close: " + after);
  } else if (command == "close_empty") {
    msgutil::close_connection(request, Close());
  } else if (command == "ping") {
    msgutil::send_ping(request, rest);
  } else if (command == "fragments") {
    msgutil::send_message(request, std::string("\xe3\x81"), false);
    msgutil::send_message(request, std::string("\x82"), false);
    msgutil::send_message(request, "!");
  } else if (command == "misuse") {
    msgutil::send_message(request, outcome([&] {
                            if (rest == "text") msgutil::send_message(request, "abc\xff");
                            if (rest == "ping") msgutil::send_ping(request, std::string(126, 'p'));
                            if (rest == "code") msgutil::close_connection(request, 1005);
                            if (rest == "header") request.add_header("X-Late", "1");
                          }));
  } else if (command == "sleep") {
    request.sleep_for(Milliseconds(probe::number(rest)));
    msgutil::send_message(request, "slept");
  } else if (command == "spawn") {
    request.spawn([&request, ms = probe::number(rest)](std::stop_token stop) {
      tick(request, stop, Milliseconds(ms));
    });
  } else if (command == "thread") {
    from_thread(request, probe::number(rest));
  } else if (command == "deadline") {
    const Milliseconds timeout(probe::number(rest));
    msgutil::send_message(request, outcome([&] {
                            auto message = msgutil::receive_message(request, timeout);
                            if (message)
                              msgutil::send_message(request, "in time: " + message->payload());
                          }));
  } else if (command == "try") {
    auto message = msgutil::try_receive(request);
    msgutil::send_message(request, message ? "had: " + message->payload() : "nothing there");
  } else if (command == "flood") {
    const unsigned count = probe::number(probe::word(rest));
    flood(request, count, probe::number(rest));
  } else {
    msgutil::send_message(request, "unknown command");
  }
  return true;
}

}  // namespace

void web_socket_transfer_data(BlockingRequest& request) {
  const LogWhenGone log{request, "probe: transfer ended"};
  request.log(LogLevel::info, "probe: transfer begins");
  try {
    while (auto message = msgutil::receive_message(request))
      if (!obey(request, message->payload())) return;
    request.log(LogLevel::info, probe::ending(request, "clean"));
  } catch (const ConnectionTerminatedException& error) {
    request.log(LogLevel::info, probe::ending(request, "lost") + " (" + error.what() + ")");
    throw;
  }
}
