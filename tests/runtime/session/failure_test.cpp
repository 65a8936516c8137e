// Connections that fail: the table of exceptions.hpp, peers that break the protocol or vanish.
#include <gmock/gmock.h>

#include <cerrno>
#include <stdexcept>

#include "runtime/support/session_end_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

// What is left of one that was moved.
Task<> without_a_coroutine() {
  auto task = []() -> Task<> { co_return; }();
  const Task<> taken = std::move(task);
  return task;
}

TEST_P(SessionEscape, FromAFunctionThatIsNoCoroutine) {
  Connection& connection = open([](Request&) -> Task<> {
    GetParam().raise();
    return without_a_coroutine();
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
    while (auto message = co_await msgutil::receive_message(request)) {
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

// --- the connection is lost ----------------------------------------------------------------------

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

TEST_F(SessionEnd, ATaskWithoutACoroutineClosesWith1011) {
  Connection& connection = open([](Request&) { return without_a_coroutine(); });
  EXPECT_EQ(connection.take_words(), Words{"close:1011"});
  EXPECT_TRUE(log_.has("a Task without a coroutine"));
}

TEST_F(SessionEnd, SpawningATaskWithoutACoroutineRaises) {
  Connection& connection = open([](Request& request) -> Task<> {
    request.spawn(without_a_coroutine());
    co_return;
  });
  EXPECT_EQ(connection.take_words(), Words{"close:1011"});
  EXPECT_TRUE(log_.has("a Task without a coroutine"));
}

// --- a compiler that fails ------------------------------------------------------------------------

// g++ 12 lays out this coroutine's frame so that resuming it would run on foreign memory.
Task<> with_a_bare_condition(Request& request) {
  while (co_await msgutil::receive_message(request)) {
  }
}

Task<> that_awaits(Request& request) { co_await with_a_bare_condition(request); }

// Neither awaited nor spawned, it goes like any other.
Task<> that_drops(Request& request) {
  auto dropped = with_a_bare_condition(request);
  co_return;
}

TEST_F(SessionEnd, AnAwaitedCoroutineThatTheCompilerHasBrokenIsNotRun) {
  Connection& connection = open(that_awaits);
  receive(connection, client_text("1") + client_close());
  const Words answer = connection.take_words();
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_EQ(answer.front() != "close:1000", log_.has("the compiler has broken a coroutine"));
}

TEST_F(SessionEnd, ACoroutineThatTheCompilerHasBrokenMayBeDropped) {
  Connection& connection = open(that_drops);
  EXPECT_EQ(connection.take_words(), Words{"close:1000"});
}

TEST_F(SessionEnd, ACoroutineThatTheCompilerHasBrokenIsNotRun) {
  Connection& connection = open(with_a_bare_condition);
  receive(connection, client_text("1") + client_close());
  const Words answer = connection.take_words();
  ASSERT_EQ(answer.size(), 1u);
  if (answer.front() != "close:1000") {  // a sound compiler
    EXPECT_EQ(answer.front(), "close:1011");
    EXPECT_TRUE(log_.has("the compiler has broken a coroutine"));
  }
}

}  // namespace
}  // namespace cppwebsocket::testing
