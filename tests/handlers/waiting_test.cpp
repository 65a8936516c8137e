// testing.hpp for handlers that wait for descriptors, for each other and for several things at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include <cppwebsocket/blocking_msgutil.hpp>
#include <cppwebsocket/blocking_wait.hpp>
#include <cppwebsocket/membership.hpp>
#include <cppwebsocket/msgutil.hpp>
#include <cppwebsocket/testing.hpp>
#include <cppwebsocket/wait.hpp>

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;

int pipe_ends[2] = {-1, -1};  // of this test, for the handlers

std::string read_pipe() {
  char bytes[100];
  const auto count = ::read(pipe_ends[0], bytes, sizeof bytes);
  return count > 0 ? std::string(bytes, static_cast<std::size_t>(count)) : "nothing";
}

// --- handlers, in the words of their clients -------------------------------------------------------

Task<> read_beside(Request& request) {
  const Readiness result = co_await request.readable(pipe_ends[0], 10s);
  const std::string answer = result == Readiness::ready ? read_pipe() : "timed out";
  co_await msgutil::send_message(request, answer);
}
Task<> obey(Request& request) {
  auto room = Channel::named("room").join(request, {.receive = true});
  Queue<std::string> queue(request, 1);
  request.spawn([&]() -> Task<> {
    while (auto next = co_await queue.pop()) co_await msgutil::send_message(request, "popped " + *next);
  });
  for (;;) {
    auto first = co_await when_any(request, msgutil::receive_message(request), request.sleep_for(1min), room.receive());
    if (first.index() == 1) {
      co_await msgutil::send_message(request, "a minute");
    } else if (first.index() == 2) {
      co_await msgutil::send_message(request, std::get<2>(first)->message);
    } else if (const auto& message = std::get<0>(first)) {
      const std::string word = message->payload();
      if (word == "read") request.spawn(read_beside(request));
      if (word == "push") for (const char* each : {"1", "2", "3"}) co_await queue.push(each);
      if (word == "bad") co_await request.readable(-1);
    } else {
      co_return;
    }
  }
}
void obey_blocking(BlockingRequest& request) {
  BlockingQueue<std::string> queue(request, 1);
  SpawnedThread popper(request, [&](std::stop_token) {
    while (auto next = queue.pop()) msgutil::send_message(request, "popped " + *next);
  });
  while (auto message = msgutil::receive_message(request)) {
    const std::string word = message->payload();
    if (word == "read") {
      const Readiness result = request.readable(pipe_ends[0], 10s);
      msgutil::send_message(request, result == Readiness::ready ? read_pipe() : "timed out");
    }
    if (word == "push") for (const char* each : {"1", "2", "3"}) queue.push(each);
    if (word == "bad") request.readable(-1);
  }
}

const HandlerTable& coroutines() noexcept {
  static const HandlerTable made = {handler_abi, sizeof(HandlerTable), handler_toolchain,
                                    [](Request&) {}, obey, nullptr, nullptr,
                                    nullptr, nullptr, nullptr, nullptr, &cppwebsocket::detail::channel_service};
  return made;
}
const HandlerTable& threads() noexcept {
  static const HandlerTable made = {handler_abi, sizeof(HandlerTable), handler_toolchain, nullptr,
                                    nullptr, nullptr, nullptr, [](BlockingRequest&) {},
                                    obey_blocking, nullptr, nullptr, &cppwebsocket::detail::channel_service};
  return made;
}

// --- both styles ---------------------------------------------------------------------------------

class WaitingHandler : public ::testing::TestWithParam<HandlerSymbol> {
 protected:
  void SetUp() override { ASSERT_EQ(::pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC), 0); }
  void TearDown() override {
    for (const int each : pipe_ends) ::close(each);
  }
  static void write(std::string_view text) {
    EXPECT_EQ(::write(pipe_ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
};
INSTANTIATE_TEST_SUITE_P(Styles, WaitingHandler, ::testing::Values(&coroutines, &threads),
                         [](const auto& style) { return style.param == &coroutines ? "Coroutines" : "Threads"; });

TEST_P(WaitingHandler, WhatIsReadyIsRead) {
  Server server(GetParam());
  Client client(server, "/");
  client.open();
  write("here");
  client.send("read");
  client.expect("here");
}

TEST_P(WaitingHandler, WhatOthersMakeReadyIsWaitedFor) {
  Server server(GetParam());
  Client client(server, "/");
  client.open();
  client.send("read");
  client.expect_nothing();
  std::thread other([] { write("from another thread"); });
  client.expect("from another thread");
  other.join();
}

TEST_P(WaitingHandler, ADeadlineIsOfTheTestsClock) {
  Server server(GetParam());
  Client client(server, "/");
  client.open();
  client.send("read");
  server.advance(9s);
  client.expect_nothing();
  server.advance(2s);
  client.expect("timed out");
}

TEST_P(WaitingHandler, TheEndWakesWhoWaits) {
  Server server(GetParam());
  Client client(server, "/");
  client.open();
  client.send("read");
  client.lose();
  EXPECT_TRUE(client.has_ended());
  EXPECT_EQ(client.running_tasks(), 0u);
}

TEST_P(WaitingHandler, WhatIsNotOpenRaises) {
  Server server(GetParam());
  Client client(server, "/");
  client.open();
  client.send("bad");
  EXPECT_THROW(client.rethrow(), BadOperationException);
}

TEST_P(WaitingHandler, AQueueGoesFromTaskToTask) {
  Server server(GetParam());
  Client client(server, "/");
  client.open();
  client.send("push");
  for (const char* each : {"popped 1", "popped 2", "popped 3"}) client.expect(each);
  client.close();
  EXPECT_EQ(client.running_tasks(), 0u);
}

TEST_P(WaitingHandler, WhatEndsWithItsScopeIsNoFault) {
  Server server(GetParam());
  Client client(server, "/");
  client.open();
  client.close(4000);
  client.rethrow();
  client.expect_close(4000);
}

// --- when_any ------------------------------------------------------------------------------------

TEST(WaitingForSeveralThings, EachOfThemMayBeTheFirst) {
  Server server(&coroutines);
  Client client(server, "/");
  client.open();
  server.advance(1min);
  client.expect("a minute");
  server.publish("room", "news");
  client.expect("news");
  client.send("push");
  client.expect("popped 1");
  client.expect("popped 2");
  client.expect("popped 3");
  server.publish("room", "more");
  client.expect("more");
  client.close();
  EXPECT_TRUE(client.has_ended());
}

}  // namespace
}  // namespace cppwebsocket::testing
