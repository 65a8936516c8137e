// The blocking style: the contracts of session_*_test.cpp again, with a handler that has a thread.
#include "runtime/session/blocking_session.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <semaphore>
#include <stdexcept>
#include <thread>

#include "runtime/support/session_fixture.hpp"
#include "runtime/support/threads.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BlockingSession : public SessionFixture, protected Notes {
 protected:
  // For a handler that is busy: one wait ends for each go_on(), and at the end of the test.
  void wait_to_go_on() { may_go_.acquire(); }
  void go_on() { may_go_.release(); }
  void TearDown() override {
    go_on();
    SessionFixture::TearDown();
  }

  void note_all(BlockingRequest& request) {
    const auto code = [&] { return std::to_string(request.ws_close_code().value_or(0)); };
    try {
      while (auto message = msgutil::receive_message(request)) note(message->payload());
      note("end " + code());
    } catch (const InvalidFrameException&) {
      note("invalid frame " + code());
    } catch (const InvalidUTF8Exception&) {
      note("invalid UTF-8 " + code());
    } catch (const ConnectionTerminatedException&) {
      note("terminated " + code());
    }
  }
  template <typename Function>
  static std::string raised(Function function) {
    try {
      function();
    } catch (const BadOperationException&) {
      return "BadOperation";
    } catch (const TimeoutException&) {
      return "Timeout";
    } catch (const InvalidUTF8Exception&) {
      return "InvalidUTF8";
    } catch (const ConnectionTerminatedException&) {
      return "ConnectionTerminated";
    }
    return "nothing";
  }

  [[nodiscard]] bool turn_until(const std::function<bool()>& done) { return loop_.run_until(done); }
  [[nodiscard]] bool turn_until_seen(std::size_t count) {
    return turn_until([&] { return seen().size() >= count; });
  }
  // Turns until `count` whole frames have come; gives their words.
  Words words_of(Connection& connection, std::size_t count) {
    EXPECT_TRUE(turn_until([&] { return words(connection.peer->output).size() >= count; }));
    return connection.take_words();
  }

 private:
  std::counting_semaphore<> may_go_{0};
};

TEST_F(BlockingSession, EchoesInOrder) {
  Connection& connection = open_blocking(blocking_echo);
  Words expected;
  for (int i = 0; i < 1000; ++i) {
    connection.peer->send(client_text(std::to_string(i)));
    expected.push_back("text:" + std::to_string(i));
  }
  EXPECT_EQ(words_of(connection, 1000), expected);
}

TEST_F(BlockingSession, RunsOnAThreadOfItsOwn) {
  const auto here = std::this_thread::get_id();
  open_blocking(
      [&](BlockingRequest&) { note(std::this_thread::get_id() == here ? "here" : "elsewhere"); });
  ASSERT_TRUE(turn_until_seen(1));
  EXPECT_THAT(seen(), ElementsAre("elsewhere"));
}

TEST_F(BlockingSession, PingsAreAnsweredBehindItsBack) {
  Connection& connection = open_blocking([&](BlockingRequest&) { wait_to_go_on(); });
  receive(connection, client_frame(ping, "x"));
  EXPECT_THAT(connection.take_words(), ElementsAre("pong:x"));
  go_on();
}

// --- receive -------------------------------------------------------------------------------------

TEST_F(BlockingSession, ReceiveRaisesTimeoutAtTheDeadlineAndTheConnectionGoesOn) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    note(raised([&] { msgutil::receive_message(request, 1ms); }));
    note(raised([&] { msgutil::receive_message(request, std::chrono::steady_clock::now() - 1s); }));
    blocking_echo(request);
  });
  ASSERT_TRUE(turn_until_seen(2));
  EXPECT_THAT(seen(), ElementsAre("Timeout", "Timeout"));
  receive(connection, client_text("still here"));
  EXPECT_THAT(words_of(connection, 1), ElementsAre("text:still here"));
}

TEST_F(BlockingSession, AMessageBeatsTheDeadline) {
  Connection& connection = open_blocking(
      [&](BlockingRequest& request) { note(msgutil::receive_message(request, 1h)->payload()); });
  receive(connection, client_text("in time"));
  ASSERT_TRUE(turn_until_seen(1));
  EXPECT_THAT(seen(), ElementsAre("in time"));
}

TEST_F(BlockingSession, TwoReceivesAtOnceAreABadOperation) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    request.spawn([&](std::stop_token) {
      // Until the other thread is not in its receive just now.
      while (raised([&] { note(msgutil::receive_message(request)->payload()); }) != "nothing") {
      }
    });
    std::string outcome = "Timeout";
    while (outcome == "Timeout") outcome = raised([&] { msgutil::receive_message(request, 0ms); });
    note(outcome);
    wait_to_go_on();
  });
  ASSERT_TRUE(turn_until_seen(1));
  EXPECT_THAT(seen(), ElementsAre("BadOperation"));
  receive(connection, client_text("for the first"));
  ASSERT_TRUE(turn_until_seen(2));
  EXPECT_THAT(seen(), ElementsAre("BadOperation", "for the first"));
}

TEST_F(BlockingSession, TryReceiveNeverWaits) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    note(msgutil::try_receive(request) ? "message" : "nothing");
    for (;;) {
      if (auto message = msgutil::try_receive(request)) return note(message->payload());
      std::this_thread::yield();
    }
  });
  ASSERT_TRUE(turn_until_seen(1));
  receive(connection, client_text("hello"));
  ASSERT_TRUE(turn_until_seen(2));
  EXPECT_THAT(seen(), ElementsAre("nothing", "hello"));
}

TEST_F(BlockingSession, TheEndIsReceivedOnce) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    note_all(request);
    note(raised([&] { msgutil::receive_message(request); }));
  });
  receive(connection, client_text("1") + client_close(4001));
  ASSERT_TRUE(turn_until_seen(3));
  EXPECT_THAT(seen(), ElementsAre("1", "end 4001", "BadOperation"));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:4001"));
}

TEST_F(BlockingSession, MessagesBeforeALossAreStillReceived) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    note(msgutil::receive_message(request)->payload());
    wait_to_go_on();
    note_all(request);
  });
  receive(connection, client_text("1") + client_text("2") + client_text("3"));
  ASSERT_TRUE(turn_until_seen(1));
  receive(connection, client_text("4"));
  lose(connection);
  EXPECT_TRUE(connection.peer->closed);
  go_on();
  ASSERT_TRUE(turn_until_seen(5));
  EXPECT_THAT(seen(), ElementsAre("1", "2", "3", "4", "terminated 1006"));
  EXPECT_TRUE(turn_until([&] { return connection.gone.load(); }));
}

TEST_F(BlockingSession, ABusyHandlerStopsTheReading) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    wait_to_go_on();
    note_all(request);
  });
  connection.peer->largest_read = 1000;
  for (int i = 0; i < 3000; ++i) connection.peer->send(client_text(std::to_string(i)));
  loop_.run();
  EXPECT_FALSE(connection.peer->input.empty());
  go_on();
  ASSERT_TRUE(turn_until_seen(3000));
  Words expected;
  for (int i = 0; i < 3000; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(seen(), expected);
}

TEST_F(BlockingSession, ProtocolFailuresRaiseTheirExceptions) {
  struct Case {
    std::string bytes, answer, exception;
  };
  for (const Case& each :
       {Case{std::string(16, '\xff'), "close:1002", "invalid frame 1006"},
        Case{client_text("\xff"), "close:1007", "invalid UTF-8 1006"},
        Case{client_text(std::string(200, 'x')), "close:1009", "terminated 1006"}}) {
    const std::size_t before = seen().size();
    Connection& connection =
        open({.blocking_transfer = [&](BlockingRequest& request) { note_all(request); },
              .limits = {.max_message_size = 100}});
    receive(connection, each.bytes);
    ASSERT_TRUE(turn_until_seen(before + 1));
    EXPECT_EQ(seen().back(), each.exception);
    EXPECT_THAT(words_of(connection, 1), ElementsAre(HasSubstr(each.answer)));
  }
}

// --- send ----------------------------------------------------------------------------------------

TEST_F(BlockingSession, ASlowPeerMakesSendWait) {
  std::atomic<int> sent = 0;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    msgutil::receive_message(request);
    for (; sent < 100; ++sent) msgutil::send_message(request, std::string(10'000, 'x'));
    blocking_echo(request);
  });
  connection.peer->capacity = 0;
  receive(connection, client_text("go"));
  ASSERT_TRUE(turn_until([&] { return connection.session->buffered_amount() > 64'000; }));
  EXPECT_LT(sent, 20);
  connection.peer->capacity = FakePeer::unlimited;
  EXPECT_EQ(words_of(connection, 100), Words(100, "text:" + std::string(10'000, 'x')));
}

TEST_F(BlockingSession, ASenderThatWaitsHearsOfTheLoss) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    msgutil::receive_message(request);
    note(raised([&] {
      for (;;) msgutil::send_message(request, std::string(50'000, 'x'));
    }));
  });
  connection.peer->capacity = 0;
  receive(connection, client_text("go"));
  ASSERT_TRUE(turn_until([&] { return connection.session->buffered_amount() > 64'000; }));
  connection.peer->hung_up = true;
  ASSERT_TRUE(turn_until_seen(1));
  EXPECT_THAT(seen(), ElementsAre("ConnectionTerminated"));
  EXPECT_TRUE(turn_until([&] { return connection.gone.load(); }));
}

TEST_F(BlockingSession, WhatMayNotBeSentRaises) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    note(raised([&] { msgutil::send_message(request, "\xff"); }));
    note(raised([&] { msgutil::send_ping(request, std::string(126, 'x')); }));
    note(raised([&] { msgutil::close_connection(request, 1005); }));
    msgutil::send_message(request, "a", false);
    note(raised([&] { msgutil::send_message(request, Message::binary("b")); }));
    msgutil::send_ping(request, "p");
    msgutil::send_message(request, "c");
  });
  EXPECT_THAT(words_of(connection, 4), ElementsAre("text…:a", "ping:p", "more:c", "close:1000"));
  EXPECT_THAT(seen(), ElementsAre("InvalidUTF8", "BadOperation", "BadOperation", "BadOperation"));
}

TEST_F(BlockingSession, SeveralThreadsMaySend) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    for (int t = 0; t < 3; ++t)
      request.spawn([&request, t](std::stop_token) {
        for (int i = 0; i < 100; ++i) msgutil::send_message(request, std::to_string(t));
      });
    note_all(request);
  });
  const Words all = words_of(connection, 300);
  for (const char* each : {"text:0", "text:1", "text:2"})
    EXPECT_EQ(std::count(all.begin(), all.end(), each), 100);
}

TEST_F(BlockingSession, ItsSenderWorksFromAnywhereAndOutlivesIt) {
  Sender sender;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    sender = request.sender();
    note("ready");
    note_all(request);
  });
  ASSERT_TRUE(turn_until_seen(1));
  EXPECT_EQ(sender.send("from outside"), SendResult::accepted);
  EXPECT_THAT(words_of(connection, 1), ElementsAre("text:from outside"));
  sender.close(4000);
  EXPECT_THAT(words_of(connection, 1), ElementsAre("close:4000"));
  receive(connection, client_close(4000));
  lose(connection);
  ASSERT_TRUE(turn_until([&] { return connection.gone.load(); }));
  EXPECT_THAT(seen(), ElementsAre("ready", "end 4000"));
  EXPECT_EQ(sender.send("x"), SendResult::closed);
}

// --- close ---------------------------------------------------------------------------------------

TEST_F(BlockingSession, CloseWaitsForThePeersClose) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    msgutil::close_connection(request, 4000, "enough");
    note("closed " + std::to_string(request.ws_close_code().value_or(0)));
    note(raised([&] { msgutil::send_message(request, "x"); }));
    note(raised([&] { msgutil::close_connection(request); }));
  });
  EXPECT_THAT(words_of(connection, 1), ElementsAre("close:4000 enough"));
  EXPECT_THAT(seen(), IsEmpty());
  receive(connection, client_close(4000));
  ASSERT_TRUE(turn_until_seen(3));
  EXPECT_THAT(seen(), ElementsAre("closed 4000", "BadOperation", "BadOperation"));
}

TEST_F(BlockingSession, CloseWaitsForTheCloseTimeoutAtMost) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    msgutil::close_connection(request);
    note("closed " + std::to_string(request.ws_close_code().value_or(0)));
  });
  EXPECT_THAT(words_of(connection, 1), ElementsAre("close:1000"));
  loop_.advance(5s);
  ASSERT_TRUE(turn_until_seen(1));
  EXPECT_THAT(seen(), ElementsAre("closed 1006"));
}

TEST_F(BlockingSession, CloseDoesNotWaitAfter1001And1002) {
  for (CloseCode code : {1001, 1002}) {
    const std::size_t before = seen().size();
    open_blocking([&, code](BlockingRequest& request) {
      msgutil::close_connection(request, code);
      note(std::to_string(code));
    });
    ASSERT_TRUE(turn_until_seen(before + 1));
  }
  EXPECT_THAT(seen(), ElementsAre("1001", "1002"));
}

TEST_F(BlockingSession, AnswersToMessagesBeforeThePeersCloseGoOutFirst) {
  // All in one read, most likely before the handler's thread has come to its first receive.
  Connection& connection =
      open({.blocking_transfer = blocking_echo,
            .already_read = client_text("a") + client_text("b") + client_close(4001)});
  EXPECT_THAT(words_of(connection, 3), ElementsAre("text:a", "text:b", "close:4001"));
}

TEST_F(BlockingSession, TheCloseWaitsForAHandlerWhoseMessagesHadAllComeBeforeItReceived) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    wait_to_go_on();
    auto message = msgutil::receive_message(request);
    note("received");
    wait_to_go_on();
    msgutil::send_message(request, std::move(*message));
    blocking_echo(request);
  });
  receive(connection, client_text("a"));
  go_on();
  ASSERT_TRUE(turn_until_seen(1));
  receive(connection, client_close(4001));
  EXPECT_EQ(connection.peer->output, "");
  go_on();
  EXPECT_THAT(words_of(connection, 2), ElementsAre("text:a", "close:4001"));
}

TEST_F(BlockingSession, AHandlerThatReturnsWithThePeersCloseUnreadAnswersItAtOnce) {
  for (bool hook : {false, true}) {
    Script script{.blocking_transfer = [&](BlockingRequest& request) {
      msgutil::receive_message(request);
      note("received");
      wait_to_go_on();
    }};
    if (hook) script.blocking_passive_close = [](BlockingRequest&) { return Close(4100); };
    const std::size_t before = seen().size();
    Connection& connection = open(std::move(script));
    receive(connection, client_text("1"));
    ASSERT_TRUE(turn_until_seen(before + 1));
    receive(connection, client_text("2") + client_close(4001));
    EXPECT_EQ(connection.peer->output, "");
    go_on();
    EXPECT_THAT(words_of(connection, 1), ElementsAre("close:4001"));  // no time has passed
    lose(connection);
    EXPECT_TRUE(turn_until([&] { return connection.gone.load(); }));
  }
}

TEST_F(BlockingSession, ThePassiveClosingHookRunsOnItsThread) {
  std::thread::id handler_thread, hook_thread;
  Connection& connection = open({.blocking_transfer =
                                     [&](BlockingRequest& request) {
                                       handler_thread = std::this_thread::get_id();
                                       note_all(request);
                                     },
                                 .blocking_passive_close =
                                     [&](BlockingRequest& request) {
                                       hook_thread = std::this_thread::get_id();
                                       note("hook " + std::to_string(*request.ws_close_code()));
                                       return Close(4100, "bye");
                                     }});
  receive(connection, client_text("a") + client_close(4001, "why"));
  EXPECT_THAT(words_of(connection, 1), ElementsAre("close:4100 bye"));
  ASSERT_TRUE(turn_until_seen(3));
  EXPECT_THAT(seen(), ElementsAre("a", "hook 4001", "end 4001"));
  EXPECT_EQ(hook_thread, handler_thread);
}

TEST_F(BlockingSession, APassiveClosingHookThatRaisesAnythingAnswersWith1011) {
  const std::function<Close(BlockingRequest&)> hooks[] = {
      [](BlockingRequest&) -> Close { throw std::runtime_error("in the hook"); },
      [](BlockingRequest&) -> Close { throw 76; }, [](BlockingRequest&) { return Close(1006); }};
  for (const auto& hook : hooks) {
    const std::size_t before = seen().size();
    Connection& connection =
        open({.blocking_transfer = [&](BlockingRequest& request) { note_all(request); },
              .blocking_passive_close = hook});
    receive(connection, client_close(4001));
    EXPECT_THAT(words_of(connection, 1), ElementsAre("close:1011"));
    ASSERT_TRUE(turn_until_seen(before + 1));
    EXPECT_EQ(seen().back(), "end 4001");
  }
  EXPECT_EQ(log_.lines().size(), 3u);
}

TEST_F(BlockingSession, ABusyHandlersHookIsNotWaitedForLongerThanTheCloseTimeout) {
  Connection& connection =
      open({.blocking_transfer = [&](BlockingRequest&) { wait_to_go_on(); },
            .blocking_passive_close = [](BlockingRequest&) { return Close(4100); }});
  receive(connection, client_close(4001));
  EXPECT_EQ(connection.peer->output, "");
  loop_.advance(5s);
  EXPECT_THAT(connection.take_words(), ElementsAre("close:4001"));
  go_on();
}

// --- exceptions ----------------------------------------------------------------------------------

TEST_F(BlockingSession, ExceptionsBecomeCloseCodes) {
  const std::pair<std::function<void()>, std::string> cases[] = {
      {[] { throw HandshakeException("of the test"); }, "close:1011"},
      {[] { throw BadOperationException("of the test"); }, "close:1011"},
      {[] { throw UnsupportedFrameException("of the test"); }, "close:1003"},
      {[] { throw InvalidUTF8Exception("of the test"); }, "close:1007"},
      {[] { throw InvalidFrameException("of the test"); }, "close:1002"},
      {[] { throw std::runtime_error("of the test"); }, "close:1011"},
      {[] { throw 76; }, "close:1011"},
      {[] { throw ConnectionTerminatedException("of the test"); }, "close:1000"}};
  for (const auto& [raise, answer] : cases) {
    Connection& connection = open_blocking([&raise = raise](BlockingRequest&) { raise(); });
    EXPECT_THAT(words_of(connection, 1), ElementsAre(answer));
  }
  EXPECT_EQ(log_.lines().size(), 7u);
}

TEST_F(BlockingSession, AbortedByUserDropsTheConnectionWithoutAClose) {
  Connection& connection = open_blocking([](BlockingRequest&) { throw AbortedByUserException(); });
  ASSERT_TRUE(turn_until([&] { return connection.gone.load(); }));
  EXPECT_EQ(connection.peer->output, "");
  EXPECT_TRUE(connection.peer->closed);
}

// --- spawn, sleep_for, stop_token
// ------------------------------------------------------------------

TEST_F(BlockingSession, SpawnedThreadsAreStoppedAndJoined) {
  std::atomic<bool> ended = false;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    request.spawn([&](std::stop_token stop) {
      while (!stop.stop_requested()) std::this_thread::yield();
      std::this_thread::sleep_for(5ms);
      ended = true;
    });
    note("returned");
  });
  EXPECT_THAT(words_of(connection, 1), ElementsAre("close:1000"));
  EXPECT_TRUE(ended);
}

TEST_F(BlockingSession, AWaitInASpawnedThreadRaisesWhenTheHandlerReturns) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    request.spawn([&](std::stop_token) {
      note(raised([&] { request.sleep_for(std::chrono::nanoseconds::max()); }));
      note(raised([&] { msgutil::send_message(request, "x"); }));
      note(raised([&] { msgutil::receive_message(request); }));
      note(raised([&] { request.spawn([](std::stop_token) {}); }));
    });
  });
  EXPECT_THAT(words_of(connection, 1), ElementsAre("close:1000"));
  EXPECT_EQ(seen(), Words(4, "ConnectionTerminated"));
}

TEST_F(BlockingSession, WhatASpawnedThreadRaisesEndsTheConnection) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    request.spawn([](std::stop_token) { throw std::runtime_error("in the spawned thread"); });
    note_all(request);
  });
  EXPECT_THAT(words_of(connection, 1), ElementsAre("close:1011"));
  ASSERT_TRUE(turn_until_seen(1));
  EXPECT_THAT(seen().front(), HasSubstr("terminated"));
  EXPECT_TRUE(log_.has("in the spawned thread"));
}

TEST_F(BlockingSession, WhatASpawnedFunctionHoldsGoesBeforeTheConnection) {
  struct Holds {
    std::shared_ptr<std::atomic<bool>> alive = std::make_shared<std::atomic<bool>>(true);
    ~Holds() { std::this_thread::sleep_for(5ms), *alive = false; }
  };
  auto holds = std::make_shared<Holds>();
  const auto alive = holds->alive;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    request.spawn([held = std::exchange(holds, nullptr)](std::stop_token) {});
  });
  receive(connection, client_close());
  lose(connection);
  bool alive_at_end = true;
  ASSERT_TRUE(turn_until([&] { return connection.gone.load() && (alive_at_end = *alive, true); }));
  EXPECT_FALSE(alive_at_end);
}

TEST_F(BlockingSession, SleepReturnsOrRaises) {
  std::atomic<bool> slept = false;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    request.sleep_for(1ms);
    request.sleep_for(-1s);
    slept = true;
    note(raised([&] { request.sleep_for(1h); }));
  });
  ASSERT_TRUE(turn_until([&] { return slept.load(); }));
  lose(connection);
  ASSERT_TRUE(turn_until_seen(1));
  EXPECT_THAT(seen(), ElementsAre("ConnectionTerminated"));
}

TEST_F(BlockingSession, TheStopTokenIsRequestedAtTheEnd) {
  std::stop_token token;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    token = request.stop_token();
    note("ready");
    wait_to_go_on();
  });
  ASSERT_TRUE(turn_until_seen(1));
  EXPECT_FALSE(token.stop_requested());
  connection.session->go_away(loop_.now());
  EXPECT_TRUE(token.stop_requested());
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1001"));
  lose(connection);
  EXPECT_FALSE(connection.gone);  // until the handler returns
  go_on();
  EXPECT_TRUE(turn_until([&] { return connection.gone.load(); }));
}

// A ping handler may have the request, and runs on the thread of many connections.
TEST_F(BlockingSession, WhatWaitsRaisesOnTheLoopsThread) {
  BlockingRequest* request = nullptr;
  Connection& connection = open_blocking([&](BlockingRequest& own) {
    request = &own;
    note("ready");
    wait_to_go_on();
  });
  ASSERT_TRUE(turn_until_seen(1));
  EXPECT_THROW(request->receive(std::nullopt, false), BadOperationException);
  EXPECT_THROW(request->sleep_for(1ms), BadOperationException);
  EXPECT_THROW(request->close(Close(1000)), BadOperationException);
  connection.peer->capacity = 0;
  request->send(std::string(100'000, 'x'), true);  // there is room
  EXPECT_THROW(request->send("more", true), BadOperationException);
  connection.peer->capacity = FakePeer::unlimited;
  go_on();
}

TEST_F(BlockingSession, Draft75EndsCleanlyWithTheStream) {
  Connection& connection =
      open({.blocking_transfer = [&](BlockingRequest& request) { note_all(request); },
            .version = Version::draft75});
  receive(connection, std::string("\0hello\xff", 7));
  lose(connection);
  ASSERT_TRUE(turn_until_seen(2));
  EXPECT_THAT(seen(), ElementsAre("hello", "end 1005"));
}

}  // namespace
}  // namespace cppwebsocket::testing
