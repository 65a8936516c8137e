// request.readable and writable, as request.hpp and readiness.hpp promise: with real descriptors, and
// a clock of the test's own.
#include <gmock/gmock.h>

#include <cstdio>

#include <fcntl.h>

#include "runtime/support/pipe_pair.hpp"
#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DescriptorWait : public SessionFixture {
 protected:
  static std::string word(Readiness result) { return result == Readiness::ready ? "ready" : "timed out"; }
  // Notes how it ends.
  Task<> note(Request& request, int descriptor, bool writable = false,
              detail::TimePoint deadline = detail::TimePoint::max(), std::string name = "") {
    try {
      const Readiness result = writable ? co_await request.writable(descriptor, deadline)
                                        : co_await request.readable(descriptor, deadline);
      seen_.push_back(name + word(result));
    } catch (const BadOperationException& e) {
      seen_.push_back(name + "bad: " + e.what());
    } catch (const ConnectionTerminatedException& e) {
      seen_.push_back(name + "terminated");
    }
  }
  Words seen_;
  PipePair pipe_;
};

TEST_F(DescriptorWait, EndsWhenTheDescriptorIsReadableAndLeavesNothingWatched) {
  open([&](Request& request) -> Task<> {
    co_await note(request, pipe_.handlers());
    seen_.push_back(pipe_.read());
    co_await echo(request);
  });
  EXPECT_THAT(seen_, IsEmpty());
  EXPECT_EQ(loop_.descriptors(), 1u);
  pipe_.write("hello");
  loop_.run();
  EXPECT_THAT(seen_, ElementsAre("ready", "hello"));
  EXPECT_EQ(loop_.descriptors(), 0u);
}

TEST_F(DescriptorWait, IsForOneTimeAndMayBeginAgain) {
  open([&](Request& request) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      co_await note(request, pipe_.handlers());
      seen_.push_back(pipe_.read());
    }
    co_await echo(request);
  });
  for (const char* each : {"a", "b", "c"}) {
    pipe_.write(each);
    loop_.run();
  }
  EXPECT_THAT(seen_, ElementsAre("ready", "a", "ready", "b", "ready", "c"));
}

TEST_F(DescriptorWait, TheOtherSidesEndIsReadiness) {
  open([&](Request& request) -> Task<> {
    co_await note(request, pipe_.handlers());
    co_await echo(request);
  });
  pipe_.close_other();
  loop_.run();
  EXPECT_THAT(seen_, ElementsAre("ready"));
}

TEST_F(DescriptorWait, WritableWaitsForRoom) {
  pipe_.fill();
  open([&](Request& request) -> Task<> {
    co_await note(request, pipe_.handlers(), true);
    co_await echo(request);
  });
  EXPECT_THAT(seen_, IsEmpty());
  pipe_.drain();
  loop_.run();
  EXPECT_THAT(seen_, ElementsAre("ready"));
}

TEST_F(DescriptorWait, TimesOutAtTheDeadline) {
  open([&](Request& request) -> Task<> {
    co_await note(request, pipe_.handlers(), false, loop_.now() + 100ms);
    co_await echo(request);
  });
  loop_.advance(99ms);
  EXPECT_THAT(seen_, IsEmpty());
  loop_.advance(1ms);
  EXPECT_THAT(seen_, ElementsAre("timed out"));
  EXPECT_EQ(loop_.descriptors(), 0u);
}

TEST_F(DescriptorWait, ADeadlineThatIsOverAsksHowItStands) {
  open([&](Request& request) -> Task<> {
    co_await note(request, pipe_.handlers(), false, loop_.now() - 1s);
    pipe_.write("x");
    co_await note(request, pipe_.handlers(), false, loop_.now() - 1s);
    co_await echo(request);
  });
  loop_.run();
  EXPECT_THAT(seen_, ElementsAre("timed out", "ready"));
}

TEST_F(DescriptorWait, OnceReadyTheTimerDoesNotFire) {
  open([&](Request& request) -> Task<> {
    co_await note(request, pipe_.handlers(), false, loop_.now() + 100ms);
    co_await request.sleep_for(1s);
    co_await echo(request);
  });
  pipe_.write("x");
  loop_.run();
  loop_.advance(2s);
  EXPECT_THAT(seen_, ElementsAre("ready"));
}

TEST_F(DescriptorWait, TheEndOfTheConnectionWakesIt) {
  Connection& connection = open([&](Request& request) -> Task<> { co_await note(request, pipe_.handlers()); });
  lose(connection);
  EXPECT_THAT(seen_, ElementsAre("terminated"));
  EXPECT_TRUE(connection.gone);
  EXPECT_EQ(loop_.descriptors(), 0u);
}

TEST_F(DescriptorWait, ASpawnedTaskRaisesWhenTheHandlerHasReturned) {
  open([&](Request& request) -> Task<> {
    request.spawn(note(request, pipe_.handlers()));
    co_return;
  });
  EXPECT_THAT(seen_, ElementsAre("terminated"));
}

TEST_F(DescriptorWait, SeveralTasksMayWaitForOneDescriptor) {
  pipe_.fill();
  open([&](Request& request) -> Task<> {
    request.spawn(note(request, pipe_.handlers(), false, detail::TimePoint::max(), "1 "));
    request.spawn(note(request, pipe_.handlers(), false, loop_.now() + 1s, "2 "));
    request.spawn(note(request, pipe_.handlers(), true, detail::TimePoint::max(), "3 "));
    co_await echo(request);
  });
  loop_.advance(1s);
  EXPECT_THAT(seen_, ElementsAre("2 timed out"));
  pipe_.drain();
  loop_.run();
  pipe_.write("x");
  loop_.run();
  EXPECT_THAT(seen_, ElementsAre("2 timed out", "3 ready", "1 ready"));
}

TEST_F(DescriptorWait, ClosingItMeanwhileLeavesTheWaitForWhatWasOpen) {
  PipePair other;
  open([&](Request& request) -> Task<> {
    co_await note(request, pipe_.handlers());
    co_await echo(request);
  });
  const int number = pipe_.handlers();
  pipe_.close_handlers();
  ASSERT_EQ(::fcntl(other.handlers(), F_DUPFD_CLOEXEC, number), number);  // has the number now
  other.write("for another");
  loop_.run();
  EXPECT_THAT(seen_, IsEmpty());
  pipe_.write("x");
  loop_.run();
  EXPECT_THAT(seen_, ElementsAre("ready"));
  EXPECT_EQ(::fcntl(number, F_GETFD), FD_CLOEXEC);  // is not touched
  ::close(number);
}

TEST_F(DescriptorWait, WhatIsNotOpenRaises) {
  open([&](Request& request) -> Task<> {
    co_await note(request, -1);
    co_await note(request, 1'000'000, true);
    co_await echo(request);
  });
  EXPECT_THAT(seen_, ElementsAre("bad: readable: the descriptor -1 is not open",
                                 "bad: writable: the descriptor 1000000 is not open"));
}

TEST_F(DescriptorWait, AFileOnDiskRaises) {
  std::FILE* const file = std::tmpfile();
  ASSERT_TRUE(file);
  open([&](Request& request) -> Task<> {
    co_await note(request, ::fileno(file));
    co_await echo(request);
  });
  EXPECT_THAT(seen_, ElementsAre(HasSubstr("run_blocking")));
  std::fclose(file);
}

TEST_F(DescriptorWait, WithoutMemoryInTheKernelTheConnectionGoesOn) {
  bool raised = false;
  Connection& connection = open([&](Request& request) -> Task<> {
    loop_.watch_fails = true;
    try {
      co_await request.readable(pipe_.handlers());
    } catch (const std::system_error&) {
      raised = true;
    }
    loop_.watch_fails = false;
    co_await echo(request);
  });
  EXPECT_TRUE(raised);
  receive(connection, client_text("still here"));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:still here"));
}

TEST_F(DescriptorWait, YieldLetsOthersHaveTheirTurn) {
  open([&](Request& request) -> Task<> {
    request.spawn([&]() -> Task<> {
      seen_.push_back("other");
      co_await request.yield();
      seen_.push_back("other again");
    });
    for (int i = 0; i < 2; ++i) {
      seen_.push_back("main");
      co_await request.yield();
    }
    co_await echo(request);
  });
  EXPECT_THAT(seen_, ElementsAre("other", "main", "other again", "main"));
}

}  // namespace
}  // namespace cppwebsocket::testing
