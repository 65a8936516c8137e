// readable, writable, BlockingEvent and BlockingQueue: the contracts of descriptor_wait_test.cpp and
// waiting_test.cpp for handlers that have threads.
#include <gmock/gmock.h>

#include <cppwebsocket/blocking_wait.hpp>

#include "runtime/support/pipe_pair.hpp"
#include "runtime/support/session_fixture.hpp"
#include "runtime/support/threads.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class BlockingWaiting : public SessionFixture, protected Notes {
 protected:
  bool run_until_seen(std::size_t count) {
    return loop_.run_until([&] { return seen().size() >= count; });
  }
  // Notes what becomes of `wait`, which returns a word.
  template <typename Wait>
  void attempt(std::string name, Wait wait) {
    try {
      note(name + wait());
    } catch (const BadOperationException&) {
      note(name + "bad");
    } catch (const TimeoutException&) {
      note(name + "timeout");
    } catch (const ConnectionTerminatedException&) {
      note(name + "terminated");
    }
  }
  static std::string word(Readiness result) { return result == Readiness::ready ? "ready" : "timed out"; }
  static std::string word(const std::optional<std::string>& value) { return value.value_or("the end"); }
  static void receive_all(BlockingRequest& request) {
    while (msgutil::receive_message(request)) {
    }
  }

  PipePair pipe_;
};

TEST_F(BlockingWaiting, ReadableEndsWhenItIs) {
  open_blocking([&](BlockingRequest& request) {
    note("waits");
    attempt("", [&] { return word(request.readable(pipe_.handlers())); });
    receive_all(request);
  });
  ASSERT_TRUE(run_until_seen(1));
  pipe_.write("x");
  ASSERT_TRUE(run_until_seen(2));
  EXPECT_THAT(seen(), ElementsAre("waits", "ready"));
}

TEST_F(BlockingWaiting, ADeadlineThatIsOverAsksHowItStands) {
  pipe_.fill();
  open_blocking([&](BlockingRequest& request) {
    const auto past = std::chrono::steady_clock::now() - 1s;
    attempt("", [&] { return word(request.readable(pipe_.handlers(), past)); });
    attempt("", [&] { return word(request.writable(pipe_.handlers(), 1ms)); });
    pipe_.write("x");
    attempt("", [&] { return word(request.readable(pipe_.handlers(), past)); });
    receive_all(request);
  });
  ASSERT_TRUE(run_until_seen(3));
  EXPECT_THAT(seen(), ElementsAre("timed out", "timed out", "ready"));
}

TEST_F(BlockingWaiting, TheEndOfTheConnectionWakesWhoWaitsForADescriptor) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    note("waits");
    attempt("", [&] { return word(request.readable(pipe_.handlers())); });
  });
  ASSERT_TRUE(run_until_seen(1));
  lose(connection);
  ASSERT_TRUE(run_until_seen(2));
  EXPECT_THAT(seen(), ElementsAre("waits", "terminated"));
}

TEST_F(BlockingWaiting, WhatIsNotOpenRaises) {
  open_blocking([&](BlockingRequest& request) {
    attempt("", [&] { return word(request.readable(-1)); });
    receive_all(request);
  });
  ASSERT_TRUE(run_until_seen(1));
  EXPECT_THAT(seen(), ElementsAre("bad"));
}

TEST_F(BlockingWaiting, AnEventWakesAllAndStaysSetUntilReset) {
  open_blocking([&](BlockingRequest& request) {
    BlockingEvent event(request);
    SpawnedThread a(request, [&](std::stop_token) { attempt("a ", [&] { return event.wait(), "goes on"; }); });
    SpawnedThread b(request, [&](std::stop_token) { attempt("b ", [&] { return event.wait(), "goes on"; }); });
    event.set();
    attempt("main ", [&] { return event.wait(1h) ? "goes on" : "timed out"; });
    while (seen().size() < 3) std::this_thread::yield();
    event.reset();
    attempt("reset ", [&] { return event.wait(1ms) ? "goes on" : "timed out"; });
    receive_all(request);
  });
  ASSERT_TRUE(run_until_seen(4));
  EXPECT_THAT(seen(), UnorderedElementsAre("a goes on", "b goes on", "main goes on", "reset timed out"));
}

TEST_F(BlockingWaiting, AQueueKeepsTheOrderAndItsBound) {
  open_blocking([&](BlockingRequest& request) {
    BlockingQueue<std::string> queue(request, 2);
    SpawnedThread worker(request, [&](std::stop_token) {
      while (auto next = queue.pop()) note(*next);
      note("the end");
    });
    for (int i = 0; i < 5; ++i) queue.push(std::to_string(i));
    queue.close();
    attempt("push ", [&] { return queue.push("x"), "is in"; });
    receive_all(request);
  });
  ASSERT_TRUE(run_until_seen(7));
  Words all = seen();
  std::erase(all, "push bad");
  EXPECT_THAT(all, ElementsAre("0", "1", "2", "3", "4", "the end"));
}

TEST_F(BlockingWaiting, AQueueMayBeAskedWithoutWaiting) {
  open_blocking([&](BlockingRequest& request) {
    BlockingQueue<std::string> queue(request, 1);
    attempt("pop ", [&] { return word(queue.pop(1ms)); });
    note(queue.try_push("1") ? "is in" : "is full");
    note(queue.try_push("2") ? "is in" : "is full");
    note(word(queue.try_pop()));
    note(word(queue.try_pop()));
    receive_all(request);
  });
  ASSERT_TRUE(run_until_seen(5));
  EXPECT_THAT(seen(), ElementsAre("pop timeout", "is in", "is full", "1", "the end"));
}

TEST_F(BlockingWaiting, TheEndOfTheConnectionWakesWhoWaitsForAnother) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    BlockingQueue<std::string> empty(request, 1), full(request, 1);
    full.push("0");
    SpawnedThread popper(request, [&](std::stop_token) { attempt("pop ", [&] { return word(empty.pop()); }); });
    note("waits");
    attempt("push ", [&] { return full.push("1"), "is in"; });
  });
  ASSERT_TRUE(run_until_seen(1));
  lose(connection);
  ASSERT_TRUE(run_until_seen(3));
  EXPECT_THAT(seen(), UnorderedElementsAre("waits", "pop terminated", "push terminated"));
}

TEST_F(BlockingWaiting, AThreadWhoseScopeEndsIsWoken) {
  open_blocking([&](BlockingRequest& request) {
    BlockingEvent never(request);
    {
      SpawnedThread a(request, [&](std::stop_token) { attempt("event ", [&] { return never.wait(), "on"; }); });
      SpawnedThread b(request, [&](std::stop_token) {
        attempt("readable ", [&] { return word(request.readable(pipe_.handlers())); });
      });
    }
    note("goes on");
    receive_all(request);
  });
  ASSERT_TRUE(run_until_seen(3));
  EXPECT_EQ(seen().back(), "goes on");
  EXPECT_THAT(seen(), UnorderedElementsAre("event terminated", "readable terminated", "goes on"));
}

TEST_F(BlockingWaiting, APingHandlerMustNotWait) {
  std::optional<BlockingEvent> event;
  Connection& connection = open(Script{
      .blocking_transfer = [&](BlockingRequest& request) { receive_all(request); },
      .blocking_handshake =
          [&](BlockingRequest& request) {
            event.emplace(request);
            request.on_ping_handler([&](std::string_view) {
              attempt("event ", [&] { return event->wait(), "on"; });
              attempt("readable ", [&] { return word(request.readable(pipe_.handlers())); });
            });
          }});
  receive(connection, client_frame(ping, ""));
  EXPECT_THAT(seen(), ElementsAre("event bad", "readable bad"));
}

}  // namespace
}  // namespace cppwebsocket::testing
