// Peers that have to keep a pace, and connections that end at a time.
#include "runtime/limits/pace.hpp"

#include <gmock/gmock.h>

#include <string>

#include "runtime/session/session.hpp"
#include "runtime/support/compressed_frame.hpp"
#include "runtime/support/session_end_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using runtime::PaceLimits;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SessionPace : public SessionEnd {
 protected:
  static std::function<void(Request&)> keeping(const PaceLimits& limits) {
    return [limits](Request& request) { static_cast<runtime::Connection&>(request).set_pace(limits); };
  }
  std::size_t echoes(Connection& connection) { return connection.take_words().size(); }
  static std::string texts(int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += client_text("x");
    return all;
  }
};

TEST_F(SessionPace, ABurstIsReadAtOnceAndTheRestInItsTime) {
  Connection& connection = open({.transfer = echo, .handshake = keeping({.messages = {10, 1s}})});
  receive(connection, texts(15));
  EXPECT_EQ(echoes(connection), 10u);
  loop_.advance(99ms);
  EXPECT_EQ(echoes(connection), 0u);
  loop_.advance(2ms);
  EXPECT_EQ(echoes(connection), 1u);
  loop_.advance(400ms);
  EXPECT_EQ(echoes(connection), 4u);
  loop_.advance(10s);
  receive(connection, texts(11));
  EXPECT_EQ(echoes(connection), 10u) << "what was not used does not add up";
}

TEST_F(SessionPace, WhileItIsSlowedTheSocketIsNotWatched) {
  Connection& connection = open({.transfer = echo, .handshake = keeping({.messages = {1, 10s}})});
  receive(connection, texts(2));
  EXPECT_FALSE(loop_.interest(*connection.session).readable);
  loop_.advance(10'001ms);
  EXPECT_EQ(echoes(connection), 2u);
  loop_.advance(10'001ms);
  EXPECT_TRUE(loop_.interest(*connection.session).readable);
}

TEST_F(SessionPace, PingsAndBytesCount) {
  Connection& connection = open({.transfer = echo, .handshake = keeping({.messages = {2, 1s}, .bytes = {1000, 1s}})});
  receive(connection, client_frame(ping, "1") + client_frame(ping, "2") + client_frame(ping, "3"));
  EXPECT_THAT(connection.take_words(), ElementsAre("pong:1", "pong:2"));
  loop_.advance(1s);
  EXPECT_THAT(connection.take_words(), ElementsAre("pong:3"));
  loop_.advance(5s);
  connection.peer->largest_read = 500;
  receive(connection, client_text(std::string(2000, 'x')));
  EXPECT_EQ(connection.peer->input.size(), 1008u) << "two reads of 500";
  loop_.advance(3s);
  EXPECT_THAT(connection.take_words(), SizeIs(1));
}

TEST_F(SessionPace, WhatABombUnfoldsToCounts) {
  constexpr std::size_t size = 100'000;
  protocol::test::Peer client{protocol::test::no_takeover};
  const std::string bomb = compressed_frame(client, std::string(size, '\0'));
  ASSERT_LT(bomb.size(), 200u);
  Connection& connection = open({.transfer = noting(),
                                 .handshake = keeping({.bytes = {size / 2, 1s}}),
                                 .deflate = protocol::test::no_takeover});
  receive(connection, bomb + bomb + bomb);
  EXPECT_EQ(seen_.size(), 1u);
  loop_.advance(900ms);
  EXPECT_EQ(seen_.size(), 1u);
  loop_.advance(200ms);
  EXPECT_EQ(seen_.size(), 2u);
}

TEST_F(SessionPace, WhoSendsThousandsIsReadFromAHundredTimesASecond) {
  Connection& connection = open({.transfer = echo, .handshake = keeping({.messages = {2000, 1s}})});
  receive(connection, texts(2100));
  EXPECT_EQ(echoes(connection), 2000u);
  loop_.advance(5ms);
  EXPECT_EQ(echoes(connection), 0u);
  loop_.advance(6ms);
  EXPECT_GE(echoes(connection), 20u);
}

TEST_F(SessionPace, ItsSilenceMeansNothingMeanwhile) {
  Connection& connection = open({.transfer = echo, .handshake = keeping({.messages = {1, 1min}}), .limits = {.ping_interval = 10s}});
  receive(connection, texts(2));
  EXPECT_EQ(echoes(connection), 1u);
  loop_.advance(59s);
  EXPECT_THAT(connection.take_words(), IsEmpty());
  EXPECT_FALSE(connection.gone);
}

TEST_F(SessionPace, ItIsClosedWithACodeOfChoice) {
  Connection& connection =
      open({.transfer = noting(), .handshake = keeping({.messages = {2, 1s}, .close = close_code::try_again_later})});
  receive(connection, texts(4));
  EXPECT_THAT(connection.take_words(), ElementsAre(HasSubstr("close:1013")));
  EXPECT_THAT(seen_, ElementsAre("x", "x", "terminated 1006"));
}

TEST_F(SessionPace, ItsCloseIsReadInAnyCase) {
  Connection& connection = open({.transfer = [](Request& request) -> Task<> {
                                   co_await msgutil::receive_message(request);
                                   co_await msgutil::close_connection(request, Close(1000));
                                 },
                                 .handshake = keeping({.messages = {1, 1h}})});
  receive(connection, texts(1) + client_close(1000));
  EXPECT_TRUE(connection.peer->write_ended);
}

// --- request.close_at -------------------------------------------------------------------------

class SessionTerm : public SessionEnd {
 protected:
  static auto in(std::chrono::milliseconds time) { return std::chrono::system_clock::now() + time; }
};

TEST_F(SessionTerm, TheHandlersTimeEndsIt) {
  Connection& connection = open({.transfer = noting(), .handshake = [](Request& request) { request.close_at(in(10s)); }});
  loop_.advance(9s);
  EXPECT_THAT(connection.take_words(), IsEmpty());
  loop_.advance(2s);
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1008"));
  EXPECT_THAT(seen_, ElementsAre(HasSubstr("1008")));
}

TEST_F(SessionTerm, AnotherTimeAnotherEnd) {
  Connection& connection = open([](Request& request) -> Task<> {
    request.close_at(in(10s), Close(4001, "log in again"));
    while (auto message = co_await msgutil::receive_message(request))
      request.close_at(message->payload() == "never" ? std::chrono::system_clock::time_point::max() : in(100s));
  });
  receive(connection, client_text("never"));
  loop_.advance(50s);
  EXPECT_THAT(connection.take_words(), Not(::testing::Contains(HasSubstr("close:"))));
  receive(connection, client_text("later"));
  loop_.advance(49s);
  EXPECT_FALSE(connection.session->server_terminated());
  loop_.advance(150s);
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionTerm, TheServersRuleHoldsWhateverTheHandlerSays) {
  Connection& connection = open({.transfer = noting(), .handshake = [this](Request& request) {
                                   auto& session = static_cast<runtime::Connection&>(request);
                                   session.set_latest_end(loop_.now() + 10s, 4002);
                                   request.close_at(std::chrono::system_clock::time_point::max());
                                 }});
  loop_.advance(10s);
  EXPECT_THAT(connection.take_words(), ElementsAre(HasSubstr("close:4002")));
}

TEST_F(SessionTerm, WhatIsOverEndsItAtOnce) {
  Connection& connection = open({.transfer = noting(), .handshake = [](Request& request) { request.close_at(in(-10s)); }});
  loop_.advance(1s);  // the clock of this loop is behind the one that close_at looks at
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1008"));
}

TEST_F(SessionTerm, ACodeThatMayNotBeSentIsRefused) {
  std::string raised;
  open({.transfer = noting(), .handshake = [&](Request& request) {
          try {
            request.close_at(in(1s), Close(1006));
          } catch (const BadOperationException&) {
            raised = "BadOperation";
          }
        }});
  EXPECT_EQ(raised, "BadOperation");
}

TEST_F(SessionTerm, ABlockingHandlersTimeEndsItsWait) {
  std::atomic<int> ended{0};
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    request.close_at(in(10s), Close(4003));
    try {
      msgutil::receive_message(request);
    } catch (const ConnectionTerminatedException&) {
      ended = request.ws_close_code().value_or(0);
    }
  });
  ASSERT_TRUE(loop_.run_until([&] { return connection.session->tasks().term() != nullptr; }));
  loop_.advance(11s);
  EXPECT_TRUE(loop_.run_until([&] { return ended == 4003; }));
}

}  // namespace
}  // namespace cppwebsocket::testing
