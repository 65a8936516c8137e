// What connections pin together, and who pays when it is too much.
#include "runtime/session/pins.hpp"

#include <gmock/gmock.h>

#include <string>

#include "runtime/session/session.hpp"
#include "runtime/support/session_end_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kib = 1 << 10;

class SessionPins : public SessionEnd {
 protected:
  SessionPins() { loop_.pins().bound(&memory_); }
  void TearDown() override {
    SessionEnd::TearDown();
    EXPECT_EQ(memory_.total(), 0u) << "all is given back";
  }

  // Its handler does not receive, or not yet.
  static Script deaf() {
    return {.transfer = [](Request& request) -> Task<> {
              co_await request.sleep_for(1h);
              co_await echo(request);
            }};
  }
  // Its peer does not read.
  Connection& stuck(std::size_t bytes) {
    Connection& connection = open({.transfer = [bytes](Request& request) -> Task<> {
                                     co_await msgutil::receive_message(request);
                                     co_await msgutil::send_message(request, std::string(bytes, 'x'));
                                     co_await echo(request);
                                   },
                                   .limits = {.send_buffer_size = 1 << 20, .ping_interval = 0ms}});
    connection.peer->capacity = 0;
    receive(connection, client_text("go"));
    return connection;
  }
  bool is_read(Connection& connection) { return loop_.interest(*connection.session).readable; }

  runtime::PinnedMemory memory_{100 * kib};
};

TEST_F(SessionPins, WhatIsUnsentNotTakenAndNotCompleteCounts) {
  Connection& unsent = stuck(20 * kib);
  EXPECT_NEAR(memory_.total(), 20 * kib, kib);
  Connection& waits = open(deaf());
  receive(waits, client_text(std::string(30 * kib, 'y')));
  EXPECT_NEAR(memory_.total(), 50 * kib, kib);
  Connection& incomplete = open(echo);
  receive(incomplete, client_frame(text, std::string(10 * kib, 'z'), false));
  EXPECT_NEAR(memory_.total(), 60 * kib, kib);
  unsent.peer->capacity = FakePeer::unlimited;
  loop_.run();
  EXPECT_NEAR(memory_.total(), 40 * kib, kib);
  lose(waits);
  lose(incomplete);
  lose(unsent);
}

TEST_F(SessionPins, SmallMessagesAreNotCounted) {
  Connection& connection = open(deaf());
  receive(connection, client_text(std::string(3 * kib, 'x')));
  EXPECT_EQ(memory_.total(), 0u);
  EXPECT_EQ(connection.session->tasks().pin(), nullptr);
}

TEST_F(SessionPins, TheGreediestIsNotReadUntilThereIsRoom) {
  Connection& greedy = stuck(70 * kib);
  Connection& other = stuck(40 * kib);
  loop_.run();
  EXPECT_EQ(memory_.slowed(), 1u);
  EXPECT_FALSE(is_read(greedy));
  EXPECT_TRUE(is_read(other));
  loop_.advance(500ms);
  EXPECT_FALSE(is_read(greedy));
  other.peer->capacity = FakePeer::unlimited;
  loop_.run();
  loop_.advance(200ms);
  EXPECT_TRUE(is_read(greedy));
  EXPECT_EQ(memory_.closed(), 0u);
}

TEST_F(SessionPins, WhatStaysTooMuchIsClosedWith1013) {
  Connection& greedy = stuck(90 * kib);
  Connection& other = stuck(40 * kib);
  loop_.advance(1100ms);
  EXPECT_EQ(memory_.closed(), 1u);
  EXPECT_TRUE(greedy.session->server_terminated());
  EXPECT_FALSE(other.session->server_terminated());
  greedy.peer->capacity = FakePeer::unlimited;
  loop_.run();
  EXPECT_THAT(greedy.take_words().back(), HasSubstr("close:1013"));
  EXPECT_TRUE(log_.has("more than WebSocketMemory (102400)"));
  loop_.advance(20s);
  EXPECT_TRUE(greedy.gone);
  EXPECT_FALSE(other.gone);
}

TEST_F(SessionPins, AClosedOnesMemoryIsBackWhenItsTimeIsOver) {
  Connection& greedy = stuck(150 * kib);
  loop_.advance(1200ms);
  EXPECT_EQ(memory_.closed(), 1u);
  loop_.advance(6s);
  EXPECT_TRUE(greedy.gone);
  EXPECT_EQ(memory_.total(), 0u);
}

}  // namespace
}  // namespace cppwebsocket::testing
