// What a handler may ask for, and what it gets: receive, send, ping, close, sleep, run_blocking,
// spawn, as msgutil.hpp and request.hpp promise.
#include <gmock/gmock.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "runtime/session/session.hpp"
#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class SessionOperations : public SessionFixture {
 protected:
  // The name of the exception that `co_await function()` raises, or "nothing".
  template <typename Function>
  static Task<std::string> raised(Function function) {
    try {
      co_await function();
    } catch (const BadOperationException&) {
      co_return "BadOperation";
    } catch (const TimeoutException&) {
      co_return "Timeout";
    } catch (const InvalidUTF8Exception&) {
      co_return "InvalidUTF8";
    } catch (const ConnectionTerminatedException&) {
      co_return "ConnectionTerminated";
    }
    co_return "nothing";
  }

  Words seen_;
};

// --- receive -----------------------------------------------------------------------------------

TEST_F(SessionOperations, TwoReceivesAtOnceAreABadOperation) {
  Connection& connection = open([&](Request& request) -> Task<> {
    request.spawn([](Request& each, Words& seen) -> Task<> {
      seen.push_back(co_await raised([&] { return msgutil::receive_message(each); }));
    }(request, seen_));
    seen_.push_back(co_await raised([&] { return msgutil::receive_message(request); }));
    co_await request.sleep_for(1h);
  });
  EXPECT_THAT(seen_, ElementsAre("BadOperation"));
  receive(connection, client_text("for the first receive"));
  EXPECT_THAT(seen_, ElementsAre("BadOperation", "nothing"));
}

TEST_F(SessionOperations, ReceiveRaisesTimeoutAtTheDeadlineAndTheConnectionGoesOn) {
  Connection& connection = open([&](Request& request) -> Task<> {
    seen_.push_back(
        co_await raised([&] { return msgutil::receive_message(request, loop_.now() + 100ms); }));
    co_await echo(request);
  });
  loop_.advance(99ms);
  EXPECT_THAT(seen_, IsEmpty());
  loop_.advance(1ms);
  EXPECT_THAT(seen_, ElementsAre("Timeout"));
  receive(connection, client_text("still here"));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:still here"));
}

TEST_F(SessionOperations, AMessageBeforeTheDeadlineDisarmsIt) {
  Connection& connection = open([&](Request& request) -> Task<> {
    auto message = co_await msgutil::receive_message(request, 100ms);
    seen_.push_back(message->payload());
    co_await echo(request);
  });
  receive(connection, client_text("in time"));
  loop_.advance(1s);
  EXPECT_THAT(seen_, ElementsAre("in time"));
  receive(connection, client_text("more"));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:more"));
}

TEST_F(SessionOperations, AMessageThatIsHereIsReceivedEvenAtAPastDeadline) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await request.sleep_for(10ms);
    auto message = co_await msgutil::receive_message(request, loop_.now() - 1s);
    seen_.push_back(message->payload());
    seen_.push_back(
        co_await raised([&] { return msgutil::receive_message(request, loop_.now() - 1s); }));
  });
  receive(connection, client_text("here"));
  loop_.advance(10ms);
  loop_.advance(1ms);
  EXPECT_THAT(seen_, ElementsAre("here", "Timeout"));
}

TEST_F(SessionOperations, TryReceiveNeverWaits) {
  Connection& connection = open([&](Request& request) -> Task<> {
    for (;;) {
      while (auto message = msgutil::try_receive(request)) seen_.push_back(message->payload());
      seen_.push_back("-");
      co_await request.sleep_for(10ms);
    }
  });
  loop_.advance(10ms);
  receive(connection, client_text("a") + client_text("b"));
  loop_.advance(10ms);
  EXPECT_THAT(seen_, ElementsAre("-", "-", "a", "b", "-"));
}

// --- send --------------------------------------------------------------------------------------

TEST_F(SessionOperations, SendsFragments) {
  Connection& connection = open([](Request& request) -> Task<> {
    co_await msgutil::send_message(request, "\xe2\x82", false);
    co_await msgutil::send_ping(request, "between");
    co_await msgutil::send_message(request, "\xac", false);
    co_await msgutil::send_message(request, "", true);
    co_await echo(request);
  });
  EXPECT_EQ(server_frames(connection.peer->take_output()),
            (std::vector<ServerFrame>{{text, false, "\xe2\x82"},
                                      {ping, true, "between"},
                                      {continuation, false, "\xac"},
                                      {continuation, true, ""}}));
}

TEST_F(SessionOperations, WhatMayNotBeSentRaisesAndSendsNothing) {
  Connection& connection = open([&](Request& request) -> Task<> {
    seen_.push_back(co_await raised([&] { return msgutil::send_message(request, "\xff"); }));
    seen_.push_back(
        co_await raised([&] { return msgutil::send_ping(request, std::string(126, 'x')); }));
    seen_.push_back(co_await raised([&] { return msgutil::close_connection(request, 1005); }));
    seen_.push_back(
        co_await raised([&] { return msgutil::close_connection(request, 1000, "\xff"); }));
    seen_.push_back(co_await raised(
        [&] { return msgutil::close_connection(request, 1000, std::string(124, 'x')); }));
    co_await msgutil::send_message(request, "a", false);
    seen_.push_back(
        co_await raised([&] { return msgutil::send_message(request, Message::binary("b")); }));
    co_await msgutil::send_message(request, "c");
    co_await echo(request);
  });
  EXPECT_THAT(seen_, ElementsAre("InvalidUTF8", "BadOperation", "BadOperation", "BadOperation",
                                 "BadOperation", "BadOperation"));
  EXPECT_THAT(connection.take_words(), ElementsAre("text…:a", "more:c"));
}

TEST_F(SessionOperations, APingOf125BytesIsSent) {
  const std::string body(125, 'x');
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::send_ping(request, body);
    co_await echo(request);
  });
  EXPECT_THAT(connection.take_words(), ElementsAre("ping:" + body));
}

TEST_F(SessionOperations, ASenderThatWaitsHearsThatTheConnectionIsLost) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    seen_.push_back(
        co_await raised([&] { return msgutil::send_message(request, std::string(100'000, 'x')); }));
    seen_.push_back(co_await raised([&] { return msgutil::send_message(request, "more"); }));
  });
  connection.peer->capacity = 10;
  receive(connection, client_text("go"));
  EXPECT_THAT(seen_, IsEmpty());
  connection.peer->write_error = ECONNRESET;
  loop_.run();
  EXPECT_THAT(seen_, ElementsAre("ConnectionTerminated", "ConnectionTerminated"));
  EXPECT_TRUE(connection.gone);
}

// --- close -------------------------------------------------------------------------------------

TEST_F(SessionOperations, CloseWaitsForThePeersClose) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::close_connection(request, 4000, "enough");
    seen_.push_back("closed " + std::to_string(request.ws_close_code().value_or(0)));
  });
  EXPECT_THAT(connection.take_words(), ElementsAre("close:4000 enough"));
  loop_.advance(1s);
  EXPECT_THAT(seen_, IsEmpty());
  receive(connection, client_close(4000));
  EXPECT_THAT(seen_, ElementsAre("closed 4000"));
}

TEST_F(SessionOperations, CloseWaitsForTheCloseTimeoutAtMost) {
  Connection& connection =
      open({.transfer = [&](Request& request) -> Task<> {
              co_await msgutil::close_connection(request);
              seen_.push_back("closed " + std::to_string(request.ws_close_code().value_or(0)));
            },
            .limits = {.close_timeout = 3s}});
  loop_.advance(2999ms);
  EXPECT_THAT(seen_, IsEmpty());
  loop_.advance(1ms);
  EXPECT_THAT(seen_, ElementsAre("closed 1006"));
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionOperations, CloseDoesNotWaitAfter1001And1002) {
  for (CloseCode code : {1001, 1002}) {
    Connection& connection = open([&](Request& request) -> Task<> {
      co_await msgutil::close_connection(request, code);
      seen_.push_back(std::to_string(code));
    });
    EXPECT_THAT(seen_, ElementsAre(std::to_string(code)));
    EXPECT_THAT(connection.take_words(), ElementsAre("close:" + std::to_string(code)));
    seen_.clear();
  }
}

TEST_F(SessionOperations, CloseWithoutACodeHasAnEmptyBody) {
  Connection& connection = open(
      [](Request& request) -> Task<> { co_await msgutil::close_connection(request, Close()); });
  EXPECT_THAT(connection.take_words(), ElementsAre("close:"));
}

TEST_F(SessionOperations, AfterOurCloseEverythingIsABadOperation) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::close_connection(request);
    seen_.push_back(co_await raised([&] { return msgutil::send_message(request, "x"); }));
    seen_.push_back(co_await raised([&] { return msgutil::send_ping(request); }));
    seen_.push_back(co_await raised([&] { return msgutil::close_connection(request); }));
  });
  receive(connection, client_close());
  EXPECT_THAT(seen_, ElementsAre("BadOperation", "BadOperation", "BadOperation"));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
}

TEST_F(SessionOperations, MessagesThatArriveBehindOurCloseAreDropped) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::close_connection(request);
    seen_.push_back(msgutil::try_receive(request) ? "message" : "nothing");
  });
  receive(connection, client_text("late") + client_close());
  EXPECT_THAT(seen_, ElementsAre("nothing"));
}

TEST_F(SessionOperations, TheStopTokenIsRequestedAsSoonAsWeClose) {
  std::stop_token token;
  Connection& connection = open([&](Request& request) -> Task<> {
    token = request.stop_token();
    co_await msgutil::receive_message(request);
    co_await msgutil::close_connection(request);
  });
  EXPECT_FALSE(token.stop_requested());
  receive(connection, client_text("go"));
  EXPECT_TRUE(token.stop_requested());
}

// --- sleep -------------------------------------------------------------------------------------

TEST_F(SessionOperations, WhoSleepsForNothingAgainAndAgainLetsOthersHaveTheirTurn) {
  int naps = 0;
  Connection& connection = open(echo);
  Connection& other = open(echo);
  const auto nap = [](Request& request, int& count) -> Task<> {
    for (;; ++count) co_await request.sleep_for(0s);
  };
  connection.session->turn([&] { connection.session->spawn(nap(*connection.session, naps)); });
  for (int i = 1; i <= 10; ++i) {
    other.peer->send(client_text("me too"));
    loop_.run_once();
    EXPECT_EQ(naps, i);
    EXPECT_THAT(other.take_words(), ElementsAre("text:me too"));
  }
  connection.peer->at_end = true;  // which it hears of
  loop_.run_once();
  loop_.run_once();
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionOperations, WhoWaitsForATimeThatIsOverAgainAndAgainLetsOthersHaveTheirTurn) {
  int timeouts = 0;
  Connection& connection = open([](Request& request) -> Task<> { co_await request.sleep_for(1h); });
  Connection& other = open(echo);
  const auto poll = [](Request& request, int& count) -> Task<> {
    for (;;) {
      try {
        co_await msgutil::receive_message(request, std::chrono::steady_clock::time_point{});
      } catch (const TimeoutException&) {
        ++count;
      }
    }
  };
  connection.session->turn([&] { connection.session->spawn(poll(*connection.session, timeouts)); });
  for (int i = 1; i <= 10; ++i) {
    other.peer->send(client_text("me too"));
    loop_.run_once();
    EXPECT_EQ(timeouts, i);
    EXPECT_THAT(other.take_words(), ElementsAre("text:me too"));
  }
  connection.peer->at_end = true;
  loop_.run_once();
  loop_.run_once();
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionOperations, EachRunBlockingIsARoundOfItsOwn) {
  std::atomic<int> calls = 0;
  int resumed = 0;
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    for (; resumed < 50; ++resumed) co_await request.run_blocking([&] { ++calls; });
  });
  connection.peer->send(client_text("go"));
  loop_.run_once();
  while (resumed < 50) {
    const int before = resumed;
    while (calls == before) std::this_thread::yield();
    loop_.run_posted();
    EXPECT_LE(resumed, before + 1);
  }
}

// A turn may come late in its round, and may itself take long.
TEST_F(SessionOperations, SleepsFromTheCallOnAndNotFromWhenTheRoundBegan) {
  loop_.per_look = 5ms;
  open([&](Request& request) -> Task<> {
    co_await request.sleep_for(10ms);
    seen_.push_back("15 ms");
    co_await echo(request);
  });
  loop_.advance(14ms);
  EXPECT_THAT(seen_, ElementsAre());
  loop_.advance(1ms);
  EXPECT_THAT(seen_, ElementsAre("15 ms"));
}

TEST_F(SessionOperations, SleepsForTheDurationAndAtLeastAMillisecond) {
  open([&](Request& request) -> Task<> {
    co_await request.sleep_for(0ms);
    co_await request.sleep_for(-5s);
    seen_.push_back("at once");
    co_await request.sleep_for(1ns);
    seen_.push_back("1 ms");
    co_await request.sleep_for(50ms);
    seen_.push_back("51 ms");
    co_await echo(request);
  });
  EXPECT_THAT(seen_, ElementsAre("at once"));
  loop_.advance(1ms);
  EXPECT_THAT(seen_, ElementsAre("at once", "1 ms"));
  loop_.advance(49ms);
  EXPECT_EQ(seen_.size(), 2u);
  loop_.advance(1ms);
  EXPECT_EQ(seen_.size(), 3u);
}

TEST_F(SessionOperations, SleepRaisesWhenTheConnectionEndsFirst) {
  Connection& connection = open([&](Request& request) -> Task<> {
    seen_.push_back(co_await raised([&] { return request.sleep_for(1h); }));
    seen_.push_back(co_await raised([&] { return request.sleep_for(1h); }));
  });
  lose(connection);
  EXPECT_THAT(seen_, ElementsAre("ConnectionTerminated", "ConnectionTerminated"));
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionOperations, SleepingForTheLongestDurationIsSleepingUntilTheEnd) {
  Connection& connection = open({.transfer = [&](Request& request) -> Task<> {
                                   seen_.push_back(co_await raised([&] {
                                     return request.sleep_for(std::chrono::nanoseconds::max());
                                   }));
                                 },
                                 .limits = {.ping_interval = 0ms}});
  loop_.advance(24h);
  EXPECT_THAT(seen_, IsEmpty());
  lose(connection);
  EXPECT_THAT(seen_, ElementsAre("ConnectionTerminated"));
}

// --- run_blocking ------------------------------------------------------------------------------

TEST_F(SessionOperations, RunBlockingGivesBackTheValueFromAnotherThread) {
  const auto here = std::this_thread::get_id();
  Connection& connection = open([&](Request& request) -> Task<> {
    const std::string text = "a local";
    auto where = co_await request.run_blocking([&] {
      seen_.push_back(text);
      return std::this_thread::get_id();
    });
    seen_.push_back(where != here ? "elsewhere" : "here");
    seen_.push_back(std::this_thread::get_id() == here ? "back" : "lost");
    co_await request.run_blocking([&] { seen_.push_back("void"); });
    auto moved = co_await request.run_blocking([] { return std::make_unique<int>(76); });
    seen_.push_back(std::to_string(*moved));
  });
  ASSERT_TRUE(loop_.run_until([&] { return !connection.peer->output.empty(); }));  // closed
  EXPECT_THAT(seen_, ElementsAre("a local", "elsewhere", "back", "void", "76"));
}

TEST_F(SessionOperations, RunBlockingUsesANamedFunctionInPlace) {
  open([&](Request& request) -> Task<> {
    auto work = [count = std::make_unique<int>(0)] { return ++*count; };  // cannot be copied
    co_await request.run_blocking(work);
    seen_.push_back(std::to_string(co_await request.run_blocking(work)));
  });
  ASSERT_TRUE(loop_.run_until([&] { return !seen_.empty(); }));
  EXPECT_THAT(seen_, ElementsAre("2"));
}

TEST_F(SessionOperations, RunBlockingRaisesWhatTheFunctionRaises) {
  open([&](Request& request) -> Task<> {
    try {
      co_await request.run_blocking([]() -> int { throw std::out_of_range("from the pool"); });
    } catch (const std::out_of_range& e) {
      seen_.push_back(e.what());
    }
  });
  ASSERT_TRUE(loop_.run_until([&] { return !seen_.empty(); }));
  EXPECT_THAT(seen_, ElementsAre("from the pool"));
}

TEST_F(SessionOperations, RunBlockingIsNotInterruptedAndKeepsTheSession) {
  std::atomic<bool> go_on = false;
  Connection& connection = open([&](Request& request) -> Task<> {
    const auto stop = request.stop_token();
    auto work = [&, stop] {
      while (!go_on) std::this_thread::yield();
      return stop.stop_requested() ? "stopped" : "not stopped";
    };
    seen_.push_back(co_await request.run_blocking(work));
  });
  lose(connection);
  EXPECT_TRUE(connection.peer->closed);
  EXPECT_FALSE(connection.gone);
  go_on = true;
  ASSERT_TRUE(loop_.run_until([&] { return connection.gone.load(); }));
  EXPECT_THAT(seen_, ElementsAre("stopped"));
}

TEST_F(SessionOperations, MoreRunBlockingCallsThanThreadsWaitInLine) {
  std::atomic<int> count = 0;
  for (int i = 0; i < 40; ++i)
    open([&](Request& request) -> Task<> { co_await request.run_blocking([&] { ++count; }); });
  EXPECT_TRUE(loop_.run_until([&] { return count == 40; }));
}

// --- spawn -------------------------------------------------------------------------------------

Task<> tick(Request& request, Words& seen, std::string name) {
  struct Goodbye {
    Words& seen;
    std::string name;
    ~Goodbye() { seen.push_back(name + " ends"); }
  } goodbye{seen, name};
  for (;;) {
    co_await msgutil::send_message(request, name);
    co_await request.sleep_for(1s);
  }
}

TEST_F(SessionOperations, SpawnedTasksRunBesideTheHandler) {
  Connection& connection = open([&](Request& request) -> Task<> {
    request.spawn(tick(request, seen_, "tick"));
    co_await echo(request);
  });
  receive(connection, client_text("hello"));
  loop_.advance(1s);
  EXPECT_THAT(connection.take_words(), ElementsAre("text:tick", "text:hello", "text:tick"));
}

// Else its captures would go with the full expression, and the task would go on without them.
TEST_F(SessionOperations, ASpawnedFunctionIsKeptWithItsCaptures) {
  open([this](Request& request) -> Task<> {
    request.spawn([this, &request, held = std::make_unique<std::string>("kept")]() -> Task<> {
      co_await request.sleep_for(1s);
      seen_.push_back(*held);
    });
    co_await request.sleep_for(2s);
  });
  loop_.advance(2s);
  EXPECT_THAT(seen_, ElementsAre("kept"));
}

TEST_F(SessionOperations, SpawnedTasksEndWithTheConnection) {
  Connection& connection = open([&](Request& request) -> Task<> {
    request.spawn(tick(request, seen_, "one"));
    request.spawn(tick(request, seen_, "two"));
    co_await echo(request);
  });
  lose(connection);
  EXPECT_THAT(seen_, UnorderedElementsAre("one ends", "two ends"));
  EXPECT_TRUE(connection.gone);
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(SessionOperations, SpawnedTasksEndWhenTheHandlerReturns) {
  Connection& connection = open([&](Request& request) -> Task<> {
    request.spawn(tick(request, seen_, "tick"));
    co_return;
  });
  EXPECT_THAT(seen_, ElementsAre("tick ends"));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:tick", "close:1000"));
  EXPECT_FALSE(connection.gone);
}

TEST_F(SessionOperations, ASpawnedTaskThatRaisesClosesTheConnection) {
  Connection& connection = open([&](Request& request) -> Task<> {
    request.spawn([](Request& each) -> Task<> {
      co_await each.sleep_for(1s);
      throw std::runtime_error("in the spawned task");
    }(request));
    seen_.push_back(co_await raised([&] { return msgutil::receive_message(request); }));
  });
  loop_.advance(1s);
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1011"));
  EXPECT_THAT(seen_, ElementsAre("ConnectionTerminated"));
  EXPECT_TRUE(log_.has("in the spawned task"));
}

TEST_F(SessionOperations, ASpawnedTaskThatReturnsClosesNothing) {
  Connection& connection = open([&](Request& request) -> Task<> {
    request.spawn([](Request& each) -> Task<> { co_await each.sleep_for(1s); }(request));
    co_await echo(request);
  });
  loop_.advance(2s);
  receive(connection, client_text("open"));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:open"));
}

TEST_F(SessionOperations, SpawnAtTheEndRaises) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await raised([&] { return msgutil::receive_message(request); });
    try {
      request.spawn(tick(request, seen_, "never"));
    } catch (const ConnectionTerminatedException&) {
      seen_.push_back("refused");
    }
  });
  lose(connection);
  EXPECT_THAT(seen_, ElementsAre("refused"));
}

TEST_F(SessionOperations, ATaskThatIsStillBusyKeepsTheSessionButNotTheWire) {
  std::atomic<bool> go_on = false;
  Connection& connection = open([&](Request& request) -> Task<> {
    request.spawn([](Request& each, std::atomic<bool>& flag) -> Task<> {
      co_await each.run_blocking([&flag] {
        while (!flag) std::this_thread::yield();
      });
    }(request, go_on));
    co_await echo(request);
  });
  receive(connection, client_close());
  lose(connection);
  EXPECT_TRUE(connection.peer->closed);
  EXPECT_FALSE(connection.gone);
  go_on = true;
  EXPECT_TRUE(loop_.run_until([&] { return connection.gone.load(); }));
}

TEST_F(SessionOperations, TheHandlersLocalsGoBeforeTheConnectionsObjects) {
  struct Looks {
    Request& request;
    Words& seen;
    ~Looks() { seen.push_back("id " + std::to_string(request.id())); }
  };
  Connection& connection = open([&](Request& request) -> Task<> {
    Looks looks{request, seen_};
    co_await echo(request);
  });
  lose(connection);
  EXPECT_THAT(seen_, ElementsAre("id 0"));
  EXPECT_TRUE(connection.gone);
}

// --- the handshake -----------------------------------------------------------------------------

TEST_F(SessionOperations, NothingOfThisWorksDuringTheHandshake) {
  open({.transfer = echo, .handshake = [&](Request& request) {
          const auto refused = [&](const char* what, auto function) {
            try {
              function();
              seen_.push_back(what);
            } catch (const BadOperationException&) {
            }
          };
          refused("spawn", [&] { request.spawn(echo(request)); });
          refused("sender", [&] { request.sender(); });
          refused("try_receive", [&] { request.try_receive(); });
          refused("sleep", [&] { (void)request.sleep_for(1s).await_ready(); });
          refused("receive", [&] { (void)msgutil::receive_message(request).await_ready(); });
          refused("send", [&] { (void)msgutil::send_message(request, "x").await_ready(); });
          refused("ping", [&] { (void)msgutil::send_ping(request).await_ready(); });
          refused("close", [&] { (void)msgutil::close_connection(request).await_ready(); });
        }});
  EXPECT_THAT(seen_, IsEmpty());
}

TEST_F(SessionOperations, TheHandshakesPropertiesAreClosedAfterwards) {
  open([&](Request& request) -> Task<> {
    EXPECT_THROW(request.add_header("X-Late", "yes"), BadOperationException);
    EXPECT_THROW(request.limit_message_size(1), BadOperationException);
    EXPECT_THROW(request.on_ping_handler({}), BadOperationException);
    EXPECT_EQ(request.ready_state(), ReadyState::open);
    seen_.push_back("checked");
    co_await echo(request);
  });
  EXPECT_THAT(seen_, ElementsAre("checked"));
}

}  // namespace
}  // namespace cppwebsocket::testing
