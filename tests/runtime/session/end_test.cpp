// How connections end: the closing handshake from both sides.
#include <gmock/gmock.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "runtime/support/session_end_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// --- the peer closes -----------------------------------------------------------------------------

TEST_F(SessionEnd, ThePeersCloseIsEchoedAndReceiveIsEmpty) {
  Connection& connection = open(noting());
  receive(connection, client_close(4001, "enough"));
  EXPECT_THAT(seen_, ElementsAre("end 4001 enough"));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:4001"));
  EXPECT_TRUE(connection.peer->write_ended);
  EXPECT_FALSE(connection.peer->closed);  // it reads on until the peer closes TCP
  lose(connection);
  EXPECT_TRUE(connection.peer->closed);
  EXPECT_TRUE(connection.gone);
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(SessionEnd, ACloseWithoutACodeIs1005AndIsEchoedEmpty) {
  Connection& connection = open(noting());
  receive(connection, client_close(std::nullopt));
  EXPECT_THAT(seen_, ElementsAre("end 1005"));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:"));
}

TEST_F(SessionEnd, WhatFollowsThePeersCloseIsDiscarded) {
  Connection& connection = open(noting());
  receive(connection, client_close() + client_text("late") + client_frame(ping, "late"));
  receive(connection, client_text("later"));
  EXPECT_THAT(seen_, ElementsAre("end 1000"));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
}

TEST_F(SessionEnd, APeerThatDoesNotCloseTcpIsDroppedAfterTwoSeconds) {
  Connection& connection = open(noting());
  receive(connection, client_close());
  loop_.advance(1999ms);
  EXPECT_FALSE(connection.gone);
  loop_.advance(1ms);
  EXPECT_TRUE(connection.gone);
  EXPECT_FALSE(loop_.has_timers());
}

TEST_F(SessionEnd, StatesAreOpenClosingClosed) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    co_await msgutil::close_connection(request);
  });
  EXPECT_EQ(connection.session->ready_state(), ReadyState::open);
  EXPECT_EQ(connection.session->ws_close_code(), std::nullopt);
  EXPECT_FALSE(connection.session->client_terminated());
  receive(connection, client_text("go"));
  EXPECT_EQ(connection.session->ready_state(), ReadyState::closing);
  EXPECT_TRUE(connection.session->server_terminated());
  EXPECT_FALSE(connection.session->client_terminated());
  receive(connection, client_close(1000));
  EXPECT_EQ(connection.session->ready_state(), ReadyState::closed);
  EXPECT_TRUE(connection.session->client_terminated());
  EXPECT_EQ(connection.session->ws_close_code(), 1000);
}

TEST_F(SessionEnd, AnswersToEarlierMessagesGoOutBeforeTheClose) {
  Connection& connection = open([](Request& request) -> Task<> {
    while (auto message = co_await msgutil::receive_message(request)) {
      co_await request.sleep_for(1s);
      co_await msgutil::send_message(request, std::move(*message));
    }
  });
  receive(connection, client_text("a") + client_text("b") + client_close());
  EXPECT_EQ(connection.session->ready_state(), ReadyState::closing);
  loop_.advance(1s);
  EXPECT_THAT(connection.take_words(), ElementsAre("text:a"));
  loop_.advance(1s);
  EXPECT_THAT(connection.take_words(), ElementsAre("text:b", "close:1000"));
}

TEST_F(SessionEnd, TheCloseIsAnsweredAtOnceForAHandlerThatNeverReceives) {
  Connection& connection = open([](Request& request) -> Task<> {
    for (;;) co_await request.sleep_for(1h);
  });
  receive(connection, client_text("ignored") + client_close());
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
}

TEST_F(SessionEnd, TheCloseIsAnsweredAtTheTimeoutForAHandlerThatIsBusy) {
  Connection& connection = open({.transfer = [&](Request& request) -> Task<> {
                                   co_await msgutil::receive_message(request);
                                   try {
                                     co_await request.sleep_for(1h);
                                   } catch (const ConnectionTerminatedException&) {
                                     seen_.push_back("told");
                                   }
                                   co_await note_all(request);
                                 },
                                 .limits = {.close_timeout = 3s}});
  receive(connection, client_text("1") + client_text("2") + client_close(4002));
  loop_.advance(2999ms);
  EXPECT_THAT(connection.take_words(), IsEmpty());
  EXPECT_THAT(seen_, IsEmpty());
  loop_.advance(1ms);
  EXPECT_THAT(connection.take_words(), ElementsAre("close:4002"));
  EXPECT_THAT(seen_, ElementsAre("told", "2", "end 4002"));
}

TEST_F(SessionEnd, TheEndIsReceivedOnce) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await note_all(request);
    try {
      co_await msgutil::receive_message(request);
    } catch (const BadOperationException&) {
      seen_.push_back("bad operation");
    }
  });
  receive(connection, client_close());
  EXPECT_THAT(seen_, ElementsAre("end 1000", "bad operation"));
}

TEST_F(SessionEnd, AHandlerThatReturnsWithThePeersCloseUnreadAnswersIt) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    co_await request.sleep_for(1s);
  });
  receive(connection, client_text("a") + client_text("b") + client_close(4003));
  loop_.advance(1s);
  EXPECT_THAT(connection.take_words(), ElementsAre("close:4003"));
  lose(connection);
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, AHandlerMayCloseWithThePeersCloseUnread) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    co_await request.sleep_for(1s);
    co_await msgutil::close_connection(request, 4004);
    seen_.push_back(code_of(request));
  });
  receive(connection, client_text("a") + client_text("b") + client_close(4003));
  loop_.advance(1s);
  EXPECT_THAT(connection.take_words(), ElementsAre("close:4004"));
  EXPECT_THAT(seen_, ElementsAre("4003"));
  lose(connection);
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, APeerThatVanishesBehindItsUnreadCloseIsALoss) {
  std::atomic<bool> go_on = false;
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    co_await request.run_blocking([&] {
      while (!go_on) std::this_thread::yield();
    });
    co_await note_all(request);
  });
  receive(connection, client_text("1") + client_text("2") + client_close(4003));
  connection.peer->hung_up = true;
  loop_.run();
  EXPECT_TRUE(connection.peer->closed);
  go_on = true;
  ASSERT_TRUE(loop_.run_until([&] { return connection.gone.load(); }));
  EXPECT_THAT(seen_, ElementsAre("2", "terminated 4003"));
}

// --- web_socket_passive_closing_handshake --------------------------------------------------------

TEST_F(SessionEnd, ThePassiveClosingHookChoosesTheAnswer) {
  Connection& connection = open({.transfer = noting(), .passive_close = [&](Request& request) {
                                   seen_.push_back("hook " + code_of(request));
                                   return Close(4100, "bye");
                                 }});
  receive(connection, client_close(4000, "why"));
  EXPECT_THAT(seen_, ElementsAre("hook 4000 why", "end 4000 why"));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:4100 bye"));
}

TEST_F(SessionEnd, ThePassiveClosingHookMayAnswerWithAnEmptyBody) {
  Connection& connection =
      open({.transfer = noting(), .passive_close = [](Request&) { return Close(); }});
  receive(connection, client_close(4000));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:"));
}

struct Failing {
  const char* name;
  Close (*passive_close)(Request&);
  const char* logged;
};

class PassiveClosingHookThatFails : public SessionEnd,
                                    public ::testing::WithParamInterface<Failing> {};

TEST_P(PassiveClosingHookThatFails, AnswersWith1011) {
  Connection& connection = open({.transfer = noting(), .passive_close = GetParam().passive_close});
  receive(connection, client_close(4000));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1011"));
  EXPECT_THAT(seen_, ElementsAre("end 4000"));
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr(GetParam().logged)));
}

INSTANTIATE_TEST_SUITE_P(
    Hooks, PassiveClosingHookThatFails,
    ::testing::Values(
        Failing{"Raises", [](Request&) -> Close { throw std::runtime_error("in the hook"); },
                "in the hook"},
        Failing{"RaisesAnything", [](Request&) -> Close { throw 76; }, "web_socket_passive"},
        Failing{"HasABadCode", [](Request&) { return Close(1006); }, "1006 may not be sent"}),
    [](const auto& info) { return info.param.name; });

// --- the handler ends ----------------------------------------------------------------------------

TEST_F(SessionEnd, AHandlerThatReturnsClosesWith1000) {
  Connection& connection = open([](Request&) -> Task<> { co_return; });
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
  EXPECT_EQ(connection.session->ready_state(), ReadyState::closing);
  receive(connection, client_close(1000));
  EXPECT_TRUE(connection.peer->write_ended);
  EXPECT_FALSE(connection.gone);
  lose(connection);
  EXPECT_TRUE(connection.gone);
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(SessionEnd, APeerThatDoesNotAnswerOurCloseIsDroppedAtTheDeadline) {
  Connection& connection =
      open({.transfer = [](Request&) -> Task<> { co_return; }, .limits = {.close_timeout = 7s}});
  loop_.advance(6999ms);
  EXPECT_FALSE(connection.gone);
  loop_.advance(1ms);
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, ALargeLastMessageToASlowPeerIsDelivered) {
  const std::string large(60'000, 'x');
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    co_await msgutil::send_message(request, large);
  });
  connection.peer->capacity = 0;
  receive(connection, client_text("go"));
  for (int i = 0; i < 20; ++i) {  // ten times as long as WebSocketCloseTimeout
    connection.peer->capacity = 4'000;
    loop_.advance(2500ms);
  }
  EXPECT_EQ(connection.take_words(), (Words{"text:" + large, "close:1000"}));
}

TEST_F(SessionEnd, APeerThatTakesNothingOfOurLastMessageIsDropped) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    co_await msgutil::send_message(request, std::string(60'000, 'x'));
  });
  connection.peer->capacity = 0;
  receive(connection, client_text("go"));
  loop_.advance(5s);
  EXPECT_TRUE(connection.gone);
}

}  // namespace
}  // namespace cppwebsocket::testing
