// The coroutine probe: one command per message.
#include <cppwebsocket/handler.hpp>

#include <thread>

#include "probe.hpp"
using namespace cppwebsocket;
using namespace std::chrono_literals;

void web_socket_do_extra_handshake(Request& request) { probe::handshake(request); }

Close web_socket_passive_closing_handshake(Request& request) {
  return probe::passive_close(request);
}

namespace {

using Milliseconds = std::chrono::milliseconds;

struct LogWhenGone {
  Request& request;
  const char* what;
  ~LogWhenGone() { request.log(LogLevel::info, what); }
};

Task<> tick(Request& request, Milliseconds interval) {
  const LogWhenGone log{request, "probe: ticker gone"};
  for (;;) {
    co_await request.sleep_for(interval);
    co_await msgutil::send_message(request, "tick");
  }
}

Task<> raise_later(Request& request, Milliseconds delay, std::string kind) {
  co_await request.sleep_for(delay);
  probe::raise(kind);
}

Task<> receive_too(Request& request) { co_await msgutil::receive_message(request); }

// Runs `task` and tells which exception it raised, if any.
Task<std::string> outcome(Task<> task) {
  try {
    co_await std::move(task);
  } catch (const BadOperationException&) {
    co_return "BadOperationException";
  } catch (const InvalidUTF8Exception&) {
    co_return "InvalidUTF8Exception";
  } catch (const TimeoutException&) {
    co_return "TimeoutException";
  } catch (const ConnectionTerminatedException&) {
    co_return "ConnectionTerminatedException";
  }
  co_return "nothing raised";
}

Task<> send(Request& request, Message message, bool end = true) {
  co_await msgutil::send_message(request, std::move(message), end);
}
Task<> ping(Request& request, std::string body) { co_await msgutil::send_ping(request, body); }
Task<> close(Request& request, CloseCode code, std::string reason) {
  co_await msgutil::close_connection(request, code, reason);
}
Task<> receive_within(Request& request, Milliseconds timeout) {
  auto message = co_await msgutil::receive_message(request, timeout);
  if (message) co_await msgutil::send_message(request, "in time: " + message->payload());
}

Task<> misuse(Request& request, std::string what) {
  std::string said;
  if (what == "text") said = co_await outcome(send(request, std::string("abc\xff")));
  if (what == "ping") said = co_await outcome(ping(request, std::string(126, 'p')));
  if (what == "code") said = co_await outcome(close(request, 1005, ""));
  if (what == "reason") said = co_await outcome(close(request, 1000, std::string(124, 'r')));
  if (what == "reason_utf8") said = co_await outcome(close(request, 1000, "\xff"));
  if (what == "header") {
    try {
      request.add_header("X-Late", "1");
      said = "nothing raised";
    } catch (const BadOperationException&) {
      said = "BadOperationException";
    }
  }
  if (what == "receive") {
    request.spawn(receive_too(request));  // waits first
    said = co_await outcome(receive_too(request));
  }
  if (what == "type") {
    co_await send(request, "first ", false);
    said = co_await outcome(send(request, Message::binary(std::string("x")), true));
    co_await send(request, "part, ");
  }
  co_await send(request, said);
}

Task<> from_thread(Request& request, unsigned count) {
  Sender sender = request.sender();
  std::jthread thread([sender, count] {
    for (unsigned i = 0; i < count; ++i) {
      while (sender.send("from a thread " + std::to_string(i)) == SendResult::full)
        std::this_thread::sleep_for(1ms);
    }
  });
  // Not to block the reactor in the destructor.
  co_await request.run_blocking([&thread] { thread.join(); });
}

Task<> flood(Request& request, unsigned count, unsigned size) {
  const std::string payload(size, '*');
  std::size_t sent = 0;
  try {
    for (; sent < count; ++sent)
      co_await msgutil::send_message(request, Message::binary(std::string(payload)));
  } catch (const ConnectionTerminatedException&) {
    request.log(LogLevel::info, "probe: flood lost after " + std::to_string(sent));
    throw;
  }
  request.log(LogLevel::info, "probe: flood done");
}

// Fills the send buffer from outside and tells what happened.
Task<> fill(Request& request) {
  Sender sender = request.sender();
  std::size_t accepted = 0;
  while (accepted < 100'000 &&
         sender.send(Message::binary(std::string(1024, 'f'))) == SendResult::accepted)
    ++accepted;
  request.log(LogLevel::info, "probe: full after " + std::to_string(accepted) + " of 1 KiB");
  co_return;
}

// Returns false when the connection is to be returned from.
Task<bool> obey(Request& request, std::string text) {
  std::string_view rest = text;
  const std::string_view command = probe::word(rest);
  if (command == "return") co_return false;
  if (command == "raise") probe::raise(rest);
  if (command == "handshake") {
    co_await send(request, std::any_cast<std::string>(request.user_data()));
  } else if (command == "properties") {
    co_await send(request, probe::properties(request, false));
  } else if (command == "header") {
    co_await send(request, request.header(rest).value_or("none"));
  } else if (command == "env") {
    co_await send(request, request.env(rest).value_or("none"));
  } else if (command == "close") {
    const auto code = static_cast<CloseCode>(probe::number(probe::word(rest)));
    co_await close(request, code, std::string(rest));
    request.log(LogLevel::info, probe::ending(request, "closed"));
    const std::string after = co_await outcome(send(request, "too late"));
    request.log(LogLevel::info, "probe: send after close: " + after);
  } else if (command == "close_empty") {
    co_await msgutil::close_connection(request, Close());
  } else if (command == "ping") {
    co_await ping(request, std::string(rest));
  } else if (command == "fragments") {
    co_await send(request, std::string("\xe3\x81"), false);  // a character in two fragments
    co_await send(request, std::string("\x82"), false);
    co_await send(request, "!");
  } else if (command == "binary") {
    std::string bytes(probe::number(rest), '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i);
    co_await send(request, Message::binary(std::move(bytes)));
  } else if (command == "misuse") {
    co_await misuse(request, std::string(rest));
  } else if (command == "sleep") {
    co_await request.sleep_for(Milliseconds(probe::number(rest)));
    co_await send(request, "slept");
  } else if (command == "block") {
    const Milliseconds time(probe::number(rest));
    const auto slept = co_await request.run_blocking([time] {
      std::this_thread::sleep_for(time);
      return std::string("blocked");
    });
    co_await send(request, slept);
  } else if (command == "block_raise") {
    const auto raising = [kind = std::string(rest)] { probe::raise(kind); };
    co_await request.run_blocking(raising);
  } else if (command == "spawn") {
    request.spawn(tick(request, Milliseconds(probe::number(rest))));
  } else if (command == "spawn_raise") {
    request.spawn(raise_later(request, 20ms, std::string(rest)));
  } else if (command == "thread") {
    co_await from_thread(request, probe::number(rest));
  } else if (command == "deadline") {
    co_await send(request, co_await outcome(receive_within(request, Milliseconds(
                               probe::number(rest)))));
  } else if (command == "try") {
    auto message = msgutil::try_receive(request);
    const std::string said = message ? "had: " + message->payload() : "nothing there";
    co_await send(request, said);
  } else if (command == "flood") {
    const unsigned count = probe::number(probe::word(rest));
    co_await flood(request, count, probe::number(rest));
  } else if (command == "fill") {
    co_await fill(request);
  } else {
    co_await send(request, "unknown command");
  }
  co_return true;
}

}  // namespace

Task<> web_socket_transfer_data(Request& request) {
  const LogWhenGone log{request, "probe: transfer ended"};
  request.log(LogLevel::info, "probe: transfer begins");
  try {
    for (;;) {
      auto message = co_await msgutil::receive_message(request);
      if (!message) {
        request.log(LogLevel::info, probe::ending(request, "clean"));
        co_return;
      }
      if (!co_await obey(request, std::move(*message).payload())) co_return;
    }
  } catch (const InvalidFrameException&) {
    request.log(LogLevel::info, probe::ending(request, "invalid frame"));
    throw;
  } catch (const InvalidUTF8Exception&) {
    request.log(LogLevel::info, probe::ending(request, "invalid text"));
    throw;
  } catch (const ConnectionTerminatedException& error) {
    request.log(LogLevel::info, probe::ending(request, "lost") + " (" + error.what() + ")");
    throw;
  }
}
