// A spawned task may refer to what web_socket_transfer_data has: once that has returned, the task does
// not go on as if nothing had happened.
#include <gmock/gmock.h>

#include <semaphore>

#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class AfterTheReturn : public SessionFixture {
 public:
  // Waits as `waits` does, and notes what becomes of it.
  Task<> note(std::function<Task<>()> waits) {
    try {
      co_await waits();
      seen_.push_back("went on");
    } catch (const ConnectionTerminatedException&) {
      seen_.push_back("terminated");
    } catch (const std::runtime_error& error) {
      seen_.push_back(error.what());
    }
  }
  // What a task sees whose main task returns while a thread of the pool runs a function for it, which
  // ends with `last`.
  Words seen_by_pool(std::function<void()> last) {
    std::binary_semaphore started(0), may_end(0);
    std::function<Task<>()> waits;
    Connection& connection = open([&](Request& request) -> Task<> {
      waits = [&]() -> Task<> {
        auto work = [&] {
          started.release();
          may_end.acquire();
          last();
        };
        co_await request.run_blocking(work);
      };
      request.spawn(note(waits));
      co_await msgutil::receive_message(request);
    });
    started.acquire();
    receive(connection, client_text("return"));
    may_end.release();
    EXPECT_TRUE(loop_.run_until([&] { return !seen_.empty(); }));
    return seen_;
  }
  Words seen_;
};

TEST_F(AfterTheReturn, AFunctionOnThePoolHasRunInVain) {
  EXPECT_THAT(seen_by_pool([] {}), ElementsAre("terminated"));
}

TEST_F(AfterTheReturn, WhatItRaisedItselfStays) {
  EXPECT_THAT(seen_by_pool([] { throw std::runtime_error("own"); }), ElementsAre("own"));
}

TEST_F(AfterTheReturn, ACleanEndRaisesToo) {
  std::function<Task<>()> waits;
  Connection& connection = open([&](Request& request) -> Task<> {
    waits = [&]() -> Task<> { co_await msgutil::receive_message(request); };
    const auto later = [](AfterTheReturn& test, Request& request,
                          std::function<Task<>()> wait) -> Task<> {
      co_await request.sleep_for(1ms);  // so that main waits before it
      co_await test.note(wait);
    };
    request.spawn(later(*this, request, waits));
    co_await request.sleep_for(1h);
  });
  loop_.advance(10ms);
  receive(connection, client_close());
  EXPECT_THAT(seen_, ElementsAre("terminated"));
}

// What ends main at once: 1001 waits for no answer.
TEST_F(AfterTheReturn, WhoClosesHearsOfIt) {
  std::function<Task<>()> waits;
  Connection& connection = open([&](Request& request) -> Task<> {
    waits = [&]() -> Task<> {
      co_await request.sleep_for(1ms);
      co_await msgutil::close_connection(request, close_code::going_away);
    };
    request.spawn(note(waits));
    co_await msgutil::receive_message(request);
  });
  loop_.advance(10ms);
  EXPECT_THAT(seen_, ElementsAre("terminated"));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1001"));
}

TEST_F(AfterTheReturn, WhoSpawnsTheOneThatClosesHearsOfIt) {
  std::function<Task<>()> waits;
  open([&](Request& request) -> Task<> {
    waits = [&]() -> Task<> {
      co_await request.sleep_for(1ms);
      request.spawn([](Request& request) -> Task<> {
        co_await msgutil::close_connection(request, close_code::going_away);
      }(request));
    };
    request.spawn(note(waits));
    co_await msgutil::receive_message(request);
  });
  loop_.advance(10ms);
  EXPECT_THAT(seen_, ElementsAre("terminated"));
}

}  // namespace
}  // namespace cppwebsocket::testing
