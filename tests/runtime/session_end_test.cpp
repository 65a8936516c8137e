// How connections end: the closing handshake from both sides, failures, losses, time limits, and
// the table of exceptions.hpp.
#include <gmock/gmock.h>

#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <thread>

#include "runtime/session.hpp"
#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SessionEnd : public SessionFixture {
 protected:
  // Receives until the end and notes what there was, e.g. "text", "end 1000", "terminated 1006".
  Task<> note_all(Request& request) {
    try {
      while (auto message = co_await msgutil::receive_message(request))
        seen_.push_back(message->payload());
      seen_.push_back("end " + code_of(request));
    } catch (const InvalidFrameException&) {
      seen_.push_back("invalid frame " + code_of(request));
    } catch (const InvalidUTF8Exception&) {
      seen_.push_back("invalid UTF-8 " + code_of(request));
    } catch (const ConnectionTerminatedException&) {
      seen_.push_back("terminated " + code_of(request));
    }
  }
  static std::string code_of(Request& request) {
    std::string text = std::to_string(request.ws_close_code().value_or(0));
    if (!request.ws_close_reason().empty()) text.append(" ").append(request.ws_close_reason());
    return text;
  }
  std::function<Task<>(Request&)> noting() {
    return [this](Request& request) { return note_all(request); };
  }

  Words seen_;
};

// --- the peer closes ---------------------------------------------------------------------------

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

// --- web_socket_passive_closing_handshake ------------------------------------------------------

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

TEST_F(SessionEnd, APassiveClosingHookThatRaisesAnswersWith1011) {
  Connection& connection = open({.transfer = noting(), .passive_close = [](Request&) -> Close {
                                   throw std::runtime_error("in the hook");
                                 }});
  receive(connection, client_close(4000));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1011"));
  EXPECT_THAT(seen_, ElementsAre("end 4000"));
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr("in the hook")));
}

TEST_F(SessionEnd, APassiveClosingHookMayRaiseAnything) {
  Connection& connection =
      open({.transfer = noting(), .passive_close = [](Request&) -> Close { throw 76; }});
  receive(connection, client_close(4000));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1011"));
  EXPECT_THAT(seen_, ElementsAre("end 4000"));
}

TEST_F(SessionEnd, APassiveClosingHookWithABadCodeAnswersWith1011) {
  Connection& connection =
      open({.transfer = noting(), .passive_close = [](Request&) { return Close(1006); }});
  receive(connection, client_close(4000));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1011"));
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr("1006 may not be sent")));
}

// --- the handler ends --------------------------------------------------------------------------

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

// --- exceptions.hpp: what escapes web_socket_transfer_data ---------------------------------------

struct Escape {
  const char* name;
  void (*raise)();
  const char* answer;
  const char* log;  // part of the one line of level notice or worse; null: none
};

template <typename Exception>
void raise() {
  throw Exception("of the test");
}

const Escape escapes[] = {
    {"Handshake", raise<HandshakeException>, "close:1011", "error: "},
    {"BadOperation", raise<BadOperationException>, "close:1011", "error: "},
    {"Timeout", raise<TimeoutException>, "close:1011", "error: "},
    {"UnsupportedFrame", raise<UnsupportedFrameException>, "close:1003", "notice: "},
    {"InvalidUTF8", raise<InvalidUTF8Exception>, "close:1007", "notice: "},
    {"InvalidFrame", raise<InvalidFrameException>, "close:1002", "notice: "},
    {"StdException", raise<std::runtime_error>, "close:1011", "error: "},
    {"ConnectionTerminated", raise<ConnectionTerminatedException>, "close:1000", nullptr},
};

class SessionEscape : public SessionFixture, public ::testing::WithParamInterface<Escape> {
 protected:
  void expect_outcome(Connection& connection) {
    EXPECT_THAT(connection.take_words(), ElementsAre(GetParam().answer));
    if (GetParam().log)
      EXPECT_THAT(log_.lines(), ElementsAre(::testing::AllOf(HasSubstr(GetParam().log),
                                                             HasSubstr("of the test"))));
    else
      EXPECT_THAT(log_.lines(), IsEmpty());
  }
};

TEST_P(SessionEscape, BeforeTheFirstWait) {
  expect_outcome(open([](Request&) -> Task<> {
    GetParam().raise();
    co_return;
  }));
}

TEST_P(SessionEscape, AfterAMessage) {
  Connection& connection = open([](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    GetParam().raise();
  });
  receive(connection, client_text("go"));
  expect_outcome(connection);
  receive(connection, client_close());
  lose(connection);
  EXPECT_TRUE(connection.gone);
}

TEST_P(SessionEscape, FromAFunctionThatIsNoCoroutine) {
  Connection& connection = open([](Request&) -> Task<> {
    GetParam().raise();
    return {};
  });
  expect_outcome(connection);
}

INSTANTIATE_TEST_SUITE_P(All, SessionEscape, ::testing::ValuesIn(escapes),
                         [](const auto& info) { return info.param.name; });

TEST_F(SessionEnd, SomethingThatIsNoExceptionClosesWith1011) {
  Connection& connection = open([](Request&) -> Task<> {
    throw 76;
    co_return;
  });
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1011"));
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr("not a std::exception")));
}

TEST_F(SessionEnd, AbortedByUserDropsTheConnectionWithoutAByte) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    co_await msgutil::send_message(request, "not even this");
    throw AbortedByUserException();
  });
  receive(connection, client_text("go"));
  EXPECT_EQ(connection.peer->output, "");
  EXPECT_TRUE(connection.peer->closed);
  EXPECT_TRUE(connection.gone);
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(SessionEnd, AnExceptionBehindThePeersUnreadCloseIsTheAnswer) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    co_await request.sleep_for(1s);
    throw UnsupportedFrameException("of the test");
  });
  receive(connection, client_text("a") + client_text("b") + client_close());
  loop_.advance(1s);
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1003"));
  EXPECT_TRUE(connection.peer->write_ended);
}

TEST_F(SessionEnd, AnExceptionOnAccountOfTheEndIsLoggedButNotSent) {
  Connection& connection = open([&](Request& request) -> Task<> {
    while (co_await msgutil::receive_message(request)) {
    }
    throw std::runtime_error("while cleaning up");
  });
  receive(connection, client_close());
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr("while cleaning up")));
}

// --- the peer breaks the protocol ----------------------------------------------------------------

TEST_F(SessionEnd, AFramingErrorClosesWith1002AndReceiveRaisesInvalidFrame) {
  Connection& connection = open(noting());
  receive(connection, client_text("good") + std::string("\x81\x0e") + "it is not masked");
  EXPECT_THAT(seen_, ElementsAre("good", "invalid frame 1006"));
  EXPECT_THAT(connection.take_words(), ElementsAre(HasSubstr("close:1002")));
  EXPECT_TRUE(connection.peer->write_ended);
}

TEST_F(SessionEnd, InvalidUtf8ClosesWith1007AndReceiveRaisesInvalidUtf8) {
  Connection& connection = open(noting());
  receive(connection, client_text("\xff"));
  EXPECT_THAT(seen_, ElementsAre("invalid UTF-8 1006"));
  EXPECT_THAT(connection.take_words(), ElementsAre(HasSubstr("close:1007")));
}

TEST_F(SessionEnd, AMessageThatIsTooBigClosesWith1009AndReceiveRaisesTerminated) {
  Connection& connection = open({.transfer = noting(), .limits = {.max_message_size = 100}});
  receive(connection, client_text(std::string(101, 'x')));
  EXPECT_THAT(seen_, ElementsAre("terminated 1006"));
  EXPECT_THAT(connection.take_words(), ElementsAre(HasSubstr("close:1009")));
}

TEST_F(SessionEnd, AHandlerThatLetsTheFailureEscapeAddsNothing) {
  Connection& connection = open(echo);
  receive(connection, client_text("\xff"));
  EXPECT_THAT(connection.take_words(), ElementsAre(HasSubstr("close:1007")));
  EXPECT_THAT(log_.lines(), IsEmpty());
  lose(connection);
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, QueuedMessagesAreReceivedBeforeTheException) {
  Connection& connection = open([&](Request& request) -> Task<> {
    try {
      co_await request.sleep_for(1h);
    } catch (const ConnectionTerminatedException&) {
      seen_.push_back("told");
    }
    co_await note_all(request);
  });
  receive(connection, client_text("1") + client_text("2") + std::string(16, '\xff'));
  EXPECT_THAT(seen_, ElementsAre("told", "1", "2", "invalid frame 1006"));
}

TEST_F(SessionEnd, AFailureBehindOurCloseIsNotAnsweredWithASecondOne) {
  Connection& connection = open([](Request&) -> Task<> { co_return; });
  receive(connection, std::string(16, '\xff'));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
  EXPECT_TRUE(connection.peer->write_ended);
}

// --- the connection is lost
// ------------------------------------------------------------------------

TEST_F(SessionEnd, AnEndOfTheStreamWithoutACloseIs1006) {
  Connection& connection = open(noting());
  receive(connection, client_text("last"));
  lose(connection);
  EXPECT_THAT(seen_, ElementsAre("last", "terminated 1006"));
  EXPECT_TRUE(connection.gone);
  EXPECT_EQ(connection.peer->output, "");
}

TEST_F(SessionEnd, AResetIs1006) {
  Connection& connection = open(noting());
  connection.peer->read_error = ECONNRESET;
  loop_.run();
  EXPECT_THAT(seen_, ElementsAre("terminated 1006"));
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, AHangUpIsNoticedWhileReadingIsPaused) {
  Connection& connection = open([&](Request& request) -> Task<> {
    try {
      co_await request.sleep_for(1h);
    } catch (const ConnectionTerminatedException&) {
      seen_.push_back("told");
    }
  });
  for (int i = 0; i < 1000; ++i) connection.peer->send(client_text("x"));
  loop_.run();
  ASSERT_FALSE(loop_.interest(*connection.session).readable);
  connection.peer->hung_up = true;
  loop_.run();
  EXPECT_THAT(seen_, ElementsAre("told"));
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, TheStopTokenIsRequestedWhenTheConnectionIsLost) {
  std::stop_token before, after;
  Connection& connection = open([&](Request& request) -> Task<> {
    before = request.stop_token();
    co_await note_all(request);
    after = request.stop_token();
  });
  EXPECT_TRUE(before.stop_possible());
  EXPECT_FALSE(before.stop_requested());
  lose(connection);
  EXPECT_TRUE(before.stop_requested());
  EXPECT_TRUE(after.stop_requested());
}

TEST_F(SessionEnd, AStopTokenThatIsFirstAskedForAtTheEndIsRequested) {
  std::stop_token after;
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await note_all(request);
    after = request.stop_token();
  });
  lose(connection);
  EXPECT_TRUE(after.stop_requested());
}

// --- time ----------------------------------------------------------------------------------------

TEST_F(SessionEnd, AnIdlePeerIsPingedAfterTheIntervalAndDeadAfterTwice) {
  Connection& connection = open({.transfer = noting(), .limits = {.ping_interval = 10s}});
  loop_.advance(9999ms);
  EXPECT_THAT(connection.take_words(), IsEmpty());
  loop_.advance(1ms);
  EXPECT_THAT(connection.take_words(), ElementsAre("ping:"));
  loop_.advance(9999ms);
  EXPECT_FALSE(connection.gone);
  loop_.advance(1ms);
  EXPECT_THAT(seen_, ElementsAre("terminated 1006"));
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, AnyByteIsASignOfLife) {
  Connection& connection = open({.transfer = noting(), .limits = {.ping_interval = 10s}});
  const std::string frame = client_text("hello");
  for (char byte : frame) {
    loop_.advance(9s);
    receive(connection, std::string(1, byte));
  }
  EXPECT_THAT(connection.take_words(), IsEmpty());
  for (int i = 0; i < 5; ++i) {
    loop_.advance(10s);
    EXPECT_THAT(connection.take_words(), ElementsAre("ping:"));
    loop_.advance(9s);
    receive(connection, client_frame(pong, ""));
  }
  EXPECT_FALSE(connection.gone);
}

TEST_F(SessionEnd, WhatWeSendIsNoSignOfLifeOfThePeer) {
  Connection& connection = open({.transfer = [](Request& request) -> Task<> {
                                   for (;;) {
                                     co_await msgutil::send_message(request, "tick");
                                     co_await request.sleep_for(3s);
                                   }
                                 },
                                 .limits = {.ping_interval = 10s}});
  loop_.advance(20s);
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, ASlowPeerThatTakesBytesIsNotDead) {
  Connection& connection =
      open({.transfer = [](Request& request) -> Task<> {
              co_await msgutil::receive_message(request);
              co_await msgutil::send_message(request, std::string(1'000'000, 'x'));
              co_await echo(request);
            },
            .limits = {.ping_interval = 10s}});
  connection.peer->capacity = 0;
  receive(connection, client_text("go"));
  for (int i = 0; i < 30; ++i) {
    loop_.advance(8s);
    connection.peer->capacity = 10'000;
    loop_.run();
  }
  EXPECT_FALSE(connection.gone);
  loop_.advance(21s);
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, PausedReadingIsNotThePeersSilence) {
  Connection& connection = open({.transfer = [&](Request& request) -> Task<> {
                                   co_await request.sleep_for(1h);
                                   co_await note_all(request);
                                 },
                                 .limits = {.ping_interval = 10s}});
  for (int i = 0; i < 1000; ++i) connection.peer->send(client_text("x"));
  loop_.advance(1h);
  EXPECT_FALSE(connection.gone);
  EXPECT_EQ(seen_.size(), 1000u);
}

TEST_F(SessionEnd, NoPingsAtAllWithAnIntervalOfZero) {
  Connection& connection = open({.transfer = noting(), .limits = {.ping_interval = 0s}});
  loop_.advance(24h);
  EXPECT_EQ(connection.peer->output, "");
  EXPECT_FALSE(connection.gone);
  EXPECT_FALSE(loop_.has_timers());
}

TEST_F(SessionEnd, AnIdleConnectionClosesWith1001) {
  Connection& connection =
      open({.transfer = noting(), .limits = {.ping_interval = 1s, .idle_timeout = 10s}});
  for (int i = 0; i < 9; ++i) {
    loop_.advance(1s);
    receive(connection, client_frame(pong, ""));  // pongs are no messages
  }
  EXPECT_THAT(seen_, IsEmpty());
  connection.take_words();
  loop_.advance(1s);
  EXPECT_THAT(connection.take_words(), ::testing::Contains(HasSubstr("close:1001")));
  EXPECT_THAT(seen_, ElementsAre(HasSubstr("terminated")));
}

TEST_F(SessionEnd, MessagesEitherWayAreNotIdle) {
  Connection& connection = open({.transfer = [](Request& request) -> Task<> {
                                   for (int i = 0; i < 5; ++i) {
                                     co_await request.sleep_for(9s);
                                     co_await msgutil::send_message(request, "x");
                                   }
                                   co_await echo(request);
                                 },
                                 .limits = {.ping_interval = 0s, .idle_timeout = 10s}});
  loop_.advance(50s);
  EXPECT_EQ(connection.take_words(), Words(5, "text:x"));
  receive(connection, client_text("y"));
  loop_.advance(9s);
  EXPECT_THAT(connection.take_words(), ElementsAre("text:y"));
}

TEST_F(SessionEnd, ALongMessageOnItsWayIsNotIdle) {
  Connection& connection =
      open({.transfer = echo, .limits = {.ping_interval = 0s, .idle_timeout = 10s}});
  const std::string frame = client_text("a long message");
  for (char byte : frame) {
    loop_.advance(9s);
    receive(connection, std::string(1, byte));
  }
  EXPECT_THAT(connection.take_words(), ElementsAre("text:a long message"));
}

// --- the server stops
// ------------------------------------------------------------------------------

TEST_F(SessionEnd, GoAwayClosesWith1001AndTellsTheHandler) {
  Connection& connection = open(noting());
  connection.session->go_away();
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1001"));
  EXPECT_THAT(seen_, ElementsAre("terminated 1001"));
  receive(connection, client_close(1001));
  EXPECT_TRUE(connection.peer->write_ended);
  lose(connection);
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, GoAwayInTheMiddleOfAClosingHandshakeSendsNoSecondClose) {
  Connection& connection =
      open([](Request& request) -> Task<> { co_await msgutil::close_connection(request, 4000); });
  connection.session->go_away();
  EXPECT_THAT(connection.take_words(), ElementsAre("close:4000"));
}

TEST_F(SessionEnd, AHandlerThatIgnoresGoAwayKeepsItsSessionUntilItEnds) {
  std::atomic<bool> go_on = false;
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await request.run_blocking([&] {
      while (!go_on) std::this_thread::yield();
    });
  });
  connection.session->go_away();
  receive(connection, client_close(1001));
  lose(connection);
  EXPECT_TRUE(connection.peer->closed);
  EXPECT_FALSE(connection.gone);
  go_on = true;
  EXPECT_TRUE(loop_.run_until([&] { return connection.gone.load(); }));
}

// --- the drafts
// ------------------------------------------------------------------------------------

std::string draft_frame(std::string_view text) {
  return std::string("\0", 1).append(text).append("\xff");
}
const std::string draft_close("\xff\0", 2);

TEST_F(SessionEnd, Draft75EndsCleanlyWithTheStream) {
  Connection& connection = open({.transfer = noting(), .version = Version::draft75});
  receive(connection, draft_frame("hello"));
  lose(connection);
  EXPECT_THAT(seen_, ElementsAre("hello", "end 1005"));
  EXPECT_EQ(connection.peer->output, "");
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, Draft75InTheMiddleOfAFrameIsLost) {
  Connection& connection = open({.transfer = noting(), .version = Version::draft75});
  receive(connection, std::string("\0hel", 4));
  lose(connection);
  EXPECT_THAT(seen_, ElementsAre("terminated 1006"));
}

TEST_F(SessionEnd, Draft75ClosesByEndingTheStream) {
  Connection& connection = open({.transfer = [&](Request& request) -> Task<> {
                                   co_await msgutil::send_message(request, "bye");
                                   co_await msgutil::close_connection(request);
                                   seen_.push_back("closed");
                                 },
                                 .version = Version::draft75});
  EXPECT_THAT(seen_, ElementsAre("closed"));
  EXPECT_EQ(connection.peer->output, draft_frame("bye"));
  EXPECT_TRUE(connection.peer->write_ended);
}

TEST_F(SessionEnd, Draft76HasTheClosingHandshake) {
  Connection& connection = open({.transfer = noting(), .version = Version::draft76});
  receive(connection, draft_frame("hello") + draft_close);
  EXPECT_THAT(seen_, ElementsAre("hello", "end 1005"));
  EXPECT_EQ(connection.peer->output, draft_close);
  EXPECT_TRUE(connection.peer->write_ended);
}

TEST_F(SessionEnd, TheDraftsHaveNeitherBinaryNorPings) {
  for (Version version : {Version::draft75, Version::draft76}) {
    Connection& connection =
        open({.transfer = [&](Request& request) -> Task<> {
                try {
                  co_await msgutil::send_message(request, Message::binary("x"));
                } catch (const BadOperationException&) {
                  seen_.push_back("no binary");
                }
                try {
                  co_await msgutil::send_ping(request);
                } catch (const BadOperationException&) {
                  seen_.push_back("no ping");
                }
                co_await echo(request);
              },
              .version = version});
    loop_.advance(10min);
    EXPECT_FALSE(connection.gone);  // nor is it pinged, nor taken for dead
    EXPECT_EQ(connection.peer->output, "");
  }
  EXPECT_THAT(seen_, ElementsAre("no binary", "no ping", "no binary", "no ping"));
}

}  // namespace
}  // namespace cppwebsocket::testing
