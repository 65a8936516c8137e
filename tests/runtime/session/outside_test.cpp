// Operations that something else than the server completes, as cppwebsocket/asio.hpp has them.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "runtime/session/session.hpp"
#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What the test completes, and the coroutine awaits.
struct Outside : detail::OutsideOperation {
  explicit Outside(Request& given)
      : OutsideOperation([](OutsideOperation& operation) noexcept {
          ++static_cast<Outside&>(operation).cancelled;
        }),
        request(given) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) {
    waiting = coroutine;
    request.begin(*this);
    is_begun = true;
  }
  void await_resume() { rethrow_error(); }

  Request& request;
  std::atomic<int> cancelled{0};
  bool is_begun = false;
};

class OutsideOperations : public SessionFixture {
 protected:
  Connection& open_waiting() {
    return open({.transfer = [this](Request& request) -> Task<> {
      Outside outside(request);
      outside_ = &outside;
      try {
        co_await outside;
        seen_.push_back(outside.cancelled == 0 ? "completed" : "cancelled");
      } catch (const ConnectionTerminatedException& error) {
        seen_.push_back(error.what());
      } catch (const BadOperationException&) {
        seen_.push_back("refused");
      }
    }});
  }

  Outside* outside_ = nullptr;
  std::vector<std::string> seen_;
};

TEST_F(OutsideOperations, GoOnOnTheLoopsThreadWhenAnyThreadCompletesThem) {
  Connection& connection = open_waiting();
  std::thread([this] { outside_->complete(); }).join();
  EXPECT_THAT(seen_, IsEmpty());
  loop_.run();
  EXPECT_THAT(seen_, ElementsAre("completed"));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
}

TEST_F(OutsideOperations, AreCancelledAtTheEndAndWaitedForAllTheSame) {
  Connection& connection = open_waiting();
  connection.peer->at_end = true;
  loop_.run();
  EXPECT_EQ(outside_->cancelled, 1);
  loop_.advance(60s);
  EXPECT_FALSE(connection.gone);
  EXPECT_THAT(seen_, IsEmpty());
  outside_->complete();
  loop_.run();
  EXPECT_THAT(seen_, ElementsAre("the peer closed TCP without a closing handshake"));
  EXPECT_TRUE(connection.gone);
}

TEST_F(OutsideOperations, OfSpawnedTasksAreCancelledWhenTheHandlerReturns) {
  Connection& connection = open({.transfer = [this](Request& request) -> Task<> {
    request.spawn([this, &request]() -> Task<> {
      Outside outside(request);
      outside_ = &outside;
      try {
        co_await outside;
      } catch (const ConnectionTerminatedException&) {
        seen_.push_back("terminated");
      }
    });
    co_return;
  }});
  EXPECT_EQ(outside_->cancelled, 1);
  outside_->complete();
  loop_.run();
  EXPECT_THAT(seen_, ElementsAre("terminated"));
  connection.peer->send(client_close());
  loop_.run();
  connection.peer->at_end = true;
  loop_.run();
  EXPECT_TRUE(connection.gone);
}

TEST_F(OutsideOperations, DoNotBeginAfterTheEnd) {
  Connection& connection = open({.transfer = [this](Request& request) -> Task<> {
    try {
      co_await msgutil::receive_message(request);
    } catch (const ConnectionTerminatedException&) {
    }
    Outside outside(request);
    try {
      co_await outside;
    } catch (const ConnectionTerminatedException&) {
      seen_.push_back(outside.is_begun ? "begun" : "refused");
    }
  }});
  connection.peer->at_end = true;
  loop_.run();
  EXPECT_THAT(seen_, ElementsAre("refused"));
  EXPECT_TRUE(connection.gone);
}

}  // namespace
}  // namespace cppwebsocket::testing
