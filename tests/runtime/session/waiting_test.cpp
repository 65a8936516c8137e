// Event and Queue in a coroutine handler, as their headers promise.
#include <gmock/gmock.h>

#include <memory>

#include <cppwebsocket/wait.hpp>

#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Waiting : public SessionFixture {
 protected:
  void note(std::string what) { seen_.push_back(std::move(what)); }
  Words seen_;
};

// --- Event -------------------------------------------------------------------------------------

class WaitingForEvent : public Waiting {
 protected:
  Task<> wait(Event& event, std::string name) {
    try {
      co_await event.wait();
      note(name + " goes on");
    } catch (const BadOperationException&) {
      note(name + " bad");
    } catch (const ConnectionTerminatedException&) {
      note(name + " terminated");
    }
  }
};

TEST_F(WaitingForEvent, AllWhoWaitGoOnInTheirOrderWhenTheSetterWaits) {
  open([&](Request& request) -> Task<> {
    Event event(request);
    for (const char* name : {"a", "b", "c"}) request.spawn(wait(event, name));
    note("set");
    event.set();
    note("is set");
    co_await wait(event, "late");
    co_await echo(request);
  });
  EXPECT_THAT(seen_, ElementsAre("set", "is set", "late goes on", "a goes on", "b goes on", "c goes on"));
}

TEST_F(WaitingForEvent, AResetHasNoEffectOnThoseWhoWereWoken) {
  open([&](Request& request) -> Task<> {
    Event event(request);
    request.spawn(wait(event, "a"));
    event.set();
    event.reset();
    EXPECT_FALSE(event.is_set());
    request.spawn(wait(event, "b"));
    co_await echo(request);
  });
  EXPECT_THAT(seen_, ElementsAre("a goes on"));
}

TEST_F(WaitingForEvent, TheEndOfTheConnectionWakesAll) {
  Connection& connection = open([&](Request& request) -> Task<> {
    Event event(request);
    request.spawn(wait(event, "a"));
    co_await wait(event, "main");
  });
  lose(connection);
  EXPECT_THAT(seen_, ElementsAre("a terminated", "main terminated"));
  EXPECT_TRUE(connection.gone);
}

TEST_F(WaitingForEvent, WhoIsWokenAsTheConnectionIsLostStillRuns) {
  Connection& connection = open([&](Request& request) -> Task<> {
    Event event(request);
    request.spawn([&]() -> Task<> {
      co_await request.yield();  // so that the other waits longer
      co_await wait(event, "a");
    });
    try {
      co_await msgutil::receive_message(request);
    } catch (const ConnectionTerminatedException&) {
      event.set();
      note("set");
    }
    co_await wait(event, "main");
  });
  lose(connection);
  EXPECT_THAT(seen_, ElementsAre("set", "main goes on", "a terminated"));
  EXPECT_TRUE(connection.gone);
}

TEST_F(WaitingForEvent, OneThatGoesRaisesInThoseWhoWait) {
  open([&](Request& request) -> Task<> {
    auto event = std::make_unique<Event>(request);
    request.spawn(wait(*event, "a"));
    event.reset();
    event = nullptr;
    co_await echo(request);
  });
  EXPECT_THAT(seen_, ElementsAre("a bad"));
}

TEST_F(WaitingForEvent, OneThatGoesWithTheHandlersLocalsIsTheEnd) {
  open([&](Request& request) -> Task<> {
    Event event(request);
    request.spawn(wait(event, "a"));
    co_return;
  });
  EXPECT_THAT(seen_, ElementsAre("a terminated"));
}

TEST_F(WaitingForEvent, APingHandlerMayWakeTheOnlyTask) {
  Event* waited = nullptr;
  Connection& connection = open(Script{.transfer = [&](Request& request) -> Task<> {
                                         Event pinged(request);
                                         waited = &pinged;
                                         co_await wait(pinged, "main");
                                         waited = nullptr;
                                         co_await echo(request);
                                       },
                                       .handshake =
                                           [&](Request& request) {
                                             request.on_ping_handler([&](std::string_view) {
                                               if (waited) waited->set();
                                             });
                                           }});
  receive(connection, client_frame(ping, ""));
  EXPECT_THAT(seen_, ElementsAre("main goes on"));
}

TEST_F(WaitingForEvent, TasksThatKeepWakingEachOtherLeaveTheLoopToOthers) {
  Connection* other = nullptr;
  bool stop = false;
  int passed = 0;
  Connection& busy = open([&](Request& request) -> Task<> {
    Queue<int> there(request, 1), back(request, 1);
    request.spawn([&]() -> Task<> {
      while (auto next = co_await there.pop()) co_await back.push(*next + 1);
    });
    co_await msgutil::receive_message(request);
    for (passed = 0; !stop;) {
      co_await there.push(passed);
      passed = *co_await back.pop();
    }
    there.close();
    co_await echo(request);
  });
  other = &open(echo);
  busy.peer->send(client_text("go"));
  loop_.run_once();
  const int before = passed;
  EXPECT_GT(before, 0);
  other->peer->send(client_text("hello"));
  loop_.run_once();
  EXPECT_GT(passed, before);
  EXPECT_THAT(other->take_words(), ElementsAre("text:hello"));
  stop = true;
  loop_.run();
}

// --- Queue -------------------------------------------------------------------------------------

class WaitingForQueue : public Waiting {
 protected:
  using Values = Queue<std::string>;
  Task<> pop(Values& queue, std::string name) {
    try {
      auto value = co_await queue.pop();
      note(name + " has " + (value ? *value : "the end"));
    } catch (const ConnectionTerminatedException&) {
      note(name + " terminated");
    } catch (const CancelledException&) {
      note(name + " cancelled");
      throw;
    }
  }
  Task<> push(Values& queue, std::string value) {
    try {
      co_await queue.push(value);
      note(value + " is in");
    } catch (const BadOperationException&) {
      note(value + " bad");
    } catch (const ConnectionTerminatedException&) {
      note(value + " terminated");
    }
  }
};

TEST_F(WaitingForQueue, WhoComesFirstGetsTheFirst) {
  open([&](Request& request) -> Task<> {
    Values queue(request, 2);
    request.spawn(pop(queue, "a"));
    request.spawn(pop(queue, "b"));
    co_await push(queue, "1");
    co_await push(queue, "2");
    EXPECT_EQ(queue.size(), 0u);
    co_await push(queue, "3");
    EXPECT_EQ(queue.try_pop(), "3");
    EXPECT_EQ(queue.try_pop(), std::nullopt);
    co_await echo(request);
  });
  EXPECT_THAT(seen_, ElementsAre("1 is in", "2 is in", "3 is in", "a has 1", "b has 2"));
}

TEST_F(WaitingForQueue, WhoPushesIntoAFullOneWaitsForRoom) {
  Connection& connection = open([&](Request& request) -> Task<> {
    Values queue(request, 1);
    for (const char* each : {"1", "2", "3"}) request.spawn(push(queue, each));
    EXPECT_FALSE(queue.try_push("4"));
    while (auto message = co_await msgutil::receive_message(request)) co_await pop(queue, "main");
  });
  EXPECT_THAT(seen_, ElementsAre("1 is in"));
  for (int i = 0; i < 3; ++i) receive(connection, client_text("next"));
  EXPECT_THAT(seen_, ElementsAre("1 is in", "main has 1", "2 is in", "main has 2", "3 is in", "main has 3"));
}

TEST_F(WaitingForQueue, AClosedOneGivesWhatIsInItAndThenTheEnd) {
  open([&](Request& request) -> Task<> {
    Values queue(request, 1);
    co_await push(queue, "1");
    request.spawn(push(queue, "2"));
    queue.close();
    co_await push(queue, "3");
    EXPECT_THROW(queue.try_push("4"), BadOperationException);
    co_await pop(queue, "a");
    co_await pop(queue, "b");
    co_await echo(request);
  });
  EXPECT_THAT(seen_, ElementsAre("1 is in", "3 bad", "a has 1", "b has the end", "2 bad"));
}

TEST_F(WaitingForQueue, ClosingItWakesThoseWhoWaitForMore) {
  open([&](Request& request) -> Task<> {
    Values queue(request, 1);
    request.spawn(pop(queue, "a"));
    request.spawn(pop(queue, "b"));
    queue.close();
    co_await echo(request);
  });
  EXPECT_THAT(seen_, ElementsAre("a has the end", "b has the end"));
}

TEST_F(WaitingForQueue, WhatWasGivenToOneWhoIsCancelledGoesToTheNext) {
  open([&](Request& request) -> Task<> {
    Values queue(request, 1);
    Event done(request);
    request.spawn([&]() -> Task<> { co_await when_any(request, done.wait(), queue.pop()); });
    done.set();  // wins, and by then the other has it
    co_await queue.push("1");
    co_await request.yield();
    co_await pop(queue, "main");
    co_await echo(request);
  });
  EXPECT_THAT(seen_, ElementsAre("main has 1"));
}

TEST_F(WaitingForQueue, OfOneThatIsCancelledTheNextInTheRowGetsIt) {
  open([&](Request& request) -> Task<> {
    Values queue(request, 1);
    Event done(request);
    request.spawn([&]() -> Task<> { co_await when_any(request, done.wait(), queue.pop()); });
    request.spawn(pop(queue, "next"));
    done.set();
    co_await queue.push("1");
    co_await echo(request);
  });
  EXPECT_THAT(seen_, ElementsAre("next has 1"));
}

TEST_F(WaitingForQueue, TheEndOfTheConnectionWakesBothSides) {
  Connection& connection = open([&](Request& request) -> Task<> {
    Values full(request, 1), empty(request, 1);
    co_await full.push("0");
    request.spawn(push(full, "1"));
    co_await pop(empty, "main");
  });
  lose(connection);
  EXPECT_THAT(seen_, ElementsAre("1 terminated", "main terminated"));
}

TEST_F(WaitingForQueue, OneWithoutRoomIsABadOperation) {
  open([&](Request& request) -> Task<> {
    EXPECT_THROW(Values(request, 0), BadOperationException);
    co_await echo(request);
  });
}

}  // namespace
}  // namespace cppwebsocket::testing
