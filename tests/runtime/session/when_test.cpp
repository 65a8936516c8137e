// when_any and when_all, as wait.hpp promises.
#include <gmock/gmock.h>

#include <semaphore>
#include <stdexcept>

#include <cppwebsocket/wait.hpp>

#include "runtime/support/pipe_pair.hpp"
#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct When : SessionFixture {
  // Notes when its scope goes.
  struct Tell {
    Words& seen;
    std::string name;
    ~Tell() { seen.push_back(name + " gone"); }
  };

  Task<std::string> sleep(Request& request, std::chrono::milliseconds time, std::string name) {
    const Tell tell{seen, name};
    try {
      co_await request.sleep_for(time);
    } catch (const CancelledException&) {
      seen.push_back(name + " cancelled");
      throw;
    } catch (const ConnectionTerminatedException&) {
      seen.push_back(name + " terminated");
      throw;
    }
    co_return name;
  }
  Task<> fail(Request& request, std::chrono::milliseconds time) {
    co_await request.sleep_for(time);
    throw std::runtime_error("as told");
  }

  Words seen;
};

// --- when_any ----------------------------------------------------------------------------------

TEST_F(When, TheFirstThatEndsIsTheResultAndTheOthersAreCancelled) {
  open([&](Request& request) -> Task<> {
    auto first = co_await when_any(request, sleep(request, 3s, "a"), sleep(request, 1s, "b"), request.sleep_for(2s));
    seen.push_back("index " + std::to_string(first.index()) + ": " + std::get<1>(first));
    co_await echo(request);
  });
  EXPECT_THAT(seen, IsEmpty());
  loop_.advance(1s);
  EXPECT_THAT(seen, ElementsAre("b gone", "a cancelled", "a gone", "index 1: b"));
  loop_.advance(10s);
}

TEST_F(When, ACancelledReceiveLeavesTheMessageForTheNext) {
  Connection& connection = open([&](Request& request) -> Task<> {
    auto first = co_await when_any(request, msgutil::receive_message(request), request.sleep_for(1s));
    EXPECT_EQ(first.index(), 1u);
    co_await echo(request);
  });
  loop_.advance(1s);
  receive(connection, client_text("later"));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:later"));
}

TEST_F(When, AMessageMayBeTheFirst) {
  Connection& connection = open([&](Request& request) -> Task<> {
    for (;;) {
      auto first = co_await when_any(request, request.sleep_for(1s), msgutil::receive_message(request));
      if (first.index() == 0) {
        co_await msgutil::send_message(request, "tick");
      } else {
        auto& message = std::get<1>(first);
        if (!message) co_return;
        co_await msgutil::send_message(request, std::move(*message));
      }
    }
  });
  receive(connection, client_text("a"));
  loop_.advance(1s);
  receive(connection, client_text("b"));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:a", "text:tick", "text:b"));
  receive(connection, client_close(1000));
  EXPECT_TRUE(seen.empty());
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
}

TEST_F(When, ThePeersCleanCloseIsTheResultWhateverElseEndsWithIt) {
  Connection& connection = open([&](Request& request) -> Task<> {
    Event never(request);
    auto first = co_await when_any(request, never.wait(), request.sleep_for(1h), msgutil::receive_message(request));
    seen.push_back(first.index() == 2 && !std::get<2>(first) ? "closed" : "something else");
  });
  receive(connection, client_close(1000));
  EXPECT_THAT(seen, ElementsAre("closed"));
}

TEST_F(When, ALostConnectionRaises) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await when_any(request, sleep(request, 1h, "a"), sleep(request, 1h, "b"));
    seen.push_back("went on");
  });
  lose(connection);
  EXPECT_THAT(seen, ElementsAre("a terminated", "a gone", "b cancelled", "b gone"));
  EXPECT_TRUE(connection.gone);
}

TEST_F(When, WhatTheFirstRaisesIsRaised) {
  open([&](Request& request) -> Task<> {
    try {
      co_await when_any(request, sleep(request, 1h, "a"), fail(request, 1s));
    } catch (const std::runtime_error& e) {
      seen.push_back(e.what());
    }
    co_await echo(request);
  });
  loop_.advance(1s);
  EXPECT_THAT(seen, ElementsAre("a cancelled", "a gone", "as told"));
}

TEST_F(When, WhatNeedsNoWaitIsTheResultAtOnceAndTheRestDoesNotStart) {
  open([&](Request& request) -> Task<> {
    Event set(request);
    set.set();
    auto first = co_await when_any(request, set.wait(), sleep(request, 1h, "a"));
    seen.push_back("index " + std::to_string(first.index()));
    co_await echo(request);
  });
  EXPECT_THAT(seen, ElementsAre("index 0"));
}

TEST_F(When, EachLaterWaitOfACancelledBranchRaises) {
  const auto stubborn = [&](Request& request) -> Task<> {
    Event never(request);
    Queue<int> full(request, 1);
    co_await full.push(1);
    PipePair pipe;
    const auto attempt = [&](auto wait, std::string name) -> Task<> {
      try {
        co_await wait();
        seen.push_back(name);
      } catch (const CancelledException&) {
        seen.push_back(name + " cancelled");
      }
    };
    co_await attempt([&] { return never.wait(); }, "event");
    co_await attempt([&] { return request.sleep_for(1s); }, "sleep");
    co_await attempt([&] { return msgutil::receive_message(request); }, "receive");
    co_await attempt([&] { return request.readable(pipe.handlers()); }, "readable");
    co_await attempt([&] { return full.push(2); }, "push");
    co_await attempt([&] { return when_any(request, request.sleep_for(1s)); }, "when_any");
    co_await attempt([&] { return request.run_blocking([] {}); }, "run_blocking");
  };
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await when_any(request, stubborn(request), request.sleep_for(1s));
    seen.push_back("goes on");
    co_await echo(request);
  });
  loop_.advance(1s);
  EXPECT_TRUE(loop_.run_until([&] { return !seen.empty() && seen.back() == "goes on"; }));
  EXPECT_THAT(seen, ElementsAre("event cancelled", "sleep cancelled", "receive cancelled", "readable cancelled",
                                "push cancelled", "when_any cancelled", "run_blocking", "goes on"));
  receive(connection, client_text("here"));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:here"));
}

TEST_F(When, AFunctionInTheBlockingPoolIsWaitedFor) {
  std::binary_semaphore may_end(0);
  const auto work = [&](Request& request) -> Task<> {
    const auto wait = [&] { may_end.acquire(); };
    co_await request.run_blocking(wait);
    seen.push_back("worked");
    co_await request.sleep_for(1h);
  };
  open([&](Request& request) -> Task<> {
    co_await when_any(request, work(request), request.sleep_for(1s));
    seen.push_back("goes on");
    co_await echo(request);
  });
  loop_.advance(1s);
  EXPECT_THAT(seen, IsEmpty());
  may_end.release();
  EXPECT_TRUE(loop_.run_until([&] { return seen.size() == 2; }));
  EXPECT_THAT(seen, ElementsAre("worked", "goes on"));
}

TEST_F(When, ADescriptorThatIsGivenUpIsNotWatched) {
  PipePair pipe;
  open([&](Request& request) -> Task<> {
    auto first = co_await when_any(request, request.readable(pipe.handlers()), request.sleep_for(1s));
    seen.push_back("index " + std::to_string(first.index()));
    co_await echo(request);
  });
  EXPECT_EQ(loop_.descriptors(), 1u);
  loop_.advance(1s);
  EXPECT_EQ(loop_.descriptors(), 0u);
  EXPECT_THAT(seen, ElementsAre("index 1"));
}

TEST_F(When, NestedOnesAreCancelledWithTheirBranch) {
  const auto inner = [&](Request& request) -> Task<> {
    co_await when_all(request, sleep(request, 1h, "a"), sleep(request, 1h, "b"));
  };
  open([&](Request& request) -> Task<> {
    co_await when_any(request, inner(request), sleep(request, 1s, "c"));
    seen.push_back("goes on");
    co_await request.sleep_for(1s);  // is no part of what was cancelled
    seen.push_back("slept");
    co_await echo(request);
  });
  loop_.advance(2s);
  EXPECT_THAT(seen, ElementsAre("c gone", "a cancelled", "a gone", "b cancelled", "b gone", "goes on", "slept"));
}

TEST_F(When, WhatABranchSpawnsIsNotCancelledWithIt) {
  const auto spawning = [&](Request& request) -> Task<> {
    request.spawn([&]() -> Task<> { co_await sleep(request, 3s, "spawned"); });
    co_await request.sleep_for(1h);
  };
  open([&](Request& request) -> Task<> {
    co_await when_any(request, spawning(request), request.sleep_for(1s));
    co_await echo(request);
  });
  loop_.advance(3s);
  EXPECT_THAT(seen, ElementsAre("spawned gone"));
}

TEST_F(When, ABranchThatClosesTheConnectionEndsAll) {
  const auto closing = [&](Request& request) -> Task<> {
    co_await request.sleep_for(1s);
    co_await msgutil::close_connection(request, close_code::going_away);
  };
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await when_any(request, sleep(request, 1h, "a"), closing(request));
    seen.push_back("went on");
  });
  loop_.advance(1s);
  EXPECT_THAT(seen, ElementsAre("a terminated", "a gone"));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1001"));
}

// --- when_all ----------------------------------------------------------------------------------

TEST_F(When, AllResultsComeTogether) {
  open([&](Request& request) -> Task<> {
    auto [a, nothing, b] =
        co_await when_all(request, sleep(request, 2s, "a"), request.sleep_for(3s), sleep(request, 1s, "b"));
    seen.push_back(a + b);
    co_await echo(request);
  });
  loop_.advance(2s);
  EXPECT_THAT(seen, ElementsAre("b gone", "a gone"));
  loop_.advance(1s);
  EXPECT_THAT(seen, ElementsAre("b gone", "a gone", "ab"));
}

TEST_F(When, IfOneRaisesTheOthersAreCancelled) {
  open([&](Request& request) -> Task<> {
    try {
      co_await when_all(request, sleep(request, 1s, "a"), fail(request, 2s), sleep(request, 3s, "b"));
    } catch (const std::runtime_error& e) {
      seen.push_back(e.what());
    }
    co_await echo(request);
  });
  loop_.advance(2s);
  EXPECT_THAT(seen, ElementsAre("a gone", "b cancelled", "b gone", "as told"));
}

TEST_F(When, AllThatNeedNoWaitAreThereAtOnce) {
  open([&](Request& request) -> Task<> {
    Queue<int> queue(request, 2);
    queue.try_push(1);
    auto [pushed, popped] = co_await when_all(request, queue.push(2), queue.pop());
    seen.push_back(std::to_string(*popped));
    co_await when_all(request);
    co_await echo(request);
  });
  EXPECT_THAT(seen, ElementsAre("1"));
}

TEST_F(When, BranchesAreNumberedAnew) {
  bool done = false;
  open([&](Request& request) -> Task<> {
    Event set(request);
    set.set();
    for (int i = 0; i < 70'000; ++i) co_await when_all(request, set.wait());  // more than there are numbers
    done = true;
    co_await echo(request);
  });
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace cppwebsocket::testing
