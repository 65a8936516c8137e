// The watchdog, with a clock of the test's, and what it asks a thread.
#include "runtime/watch/watchdog.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/watch/stack_of_thread.hpp"
#include "runtime/watch/watched_thread.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using runtime::WatchNews;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WatchdogLooks : public ::testing::Test {
 protected:
  runtime::Watchdog& watchdog(std::chrono::milliseconds warning, std::chrono::milliseconds timeout) {
    runtime::WatchdogOptions options;
    options.warning = warning;
    options.timeout = timeout;
    options.tell = [this](WatchNews what, std::string_view text) {
      news_.push_back(what);
      texts_.emplace_back(text);
    };
    options.retire = [this] { ++retired_; };
    return watchdog_.emplace(std::move(options), std::vector{&loop_, &other_},
                             runtime::Watchdog::Others{.is_stalled = [this](runtime::WatchedLoop& which) {
                               EXPECT_EQ(&which, &loop_);
                               ++stalled_;
                             }});
  }
  // Looks once a second until `end`, seconds from the start.
  void look_until(int end) {
    while (second_ < end) watchdog_->look(start_ + std::chrono::seconds(++second_));
  }

  const runtime::Watchdog::Clock::time_point start_ = runtime::Watchdog::Clock::now();
  int second_ = 0;
  runtime::WatchedLoop loop_{nullptr}, other_{nullptr};
  std::vector<WatchNews> news_;
  std::vector<std::string> texts_;
  int retired_ = 0, stalled_ = 0;
  std::optional<runtime::Watchdog> watchdog_;
};

TEST_F(WatchdogLooks, TellsOnceOfARoundThatLasts) {
  watchdog(2s, 60s);
  loop_.begin_round(start_);
  look_until(1);
  EXPECT_THAT(news_, IsEmpty());
  EXPECT_FALSE(loop_.is_stalled());
  look_until(10);
  EXPECT_THAT(news_, ElementsAre(WatchNews::stalled));
  EXPECT_THAT(texts_[0], HasSubstr("held up for 2.0 s"));
  EXPECT_TRUE(loop_.is_stalled());
  EXPECT_EQ(loop_.stalled_since(), start_);
  EXPECT_EQ(loop_.stalls(), 1u);
  EXPECT_EQ(stalled_, 9);
  EXPECT_EQ(other_.stalls(), 0u);
}

TEST_F(WatchdogLooks, TellsThatItGoesOn) {
  watchdog(2s, 60s);
  loop_.begin_round(start_);
  look_until(5);
  loop_.end_round();
  look_until(6);
  EXPECT_THAT(news_, ElementsAre(WatchNews::stalled, WatchNews::goes_on));
  EXPECT_THAT(texts_[1], HasSubstr("more than 5.0 s"));
  EXPECT_FALSE(loop_.is_stalled());
  loop_.begin_round(start_ + 6s);
  look_until(9);
  EXPECT_EQ(loop_.stalls(), 2u);
}

TEST_F(WatchdogLooks, ManyShortRoundsAreNone) {
  watchdog(2s, 60s);
  for (int i = 0; i < 20; ++i) {
    loop_.begin_round(start_ + std::chrono::seconds(i));
    look_until(i + 1);
  }
  EXPECT_THAT(news_, IsEmpty());
}

TEST_F(WatchdogLooks, RetiresOnce) {
  watchdog(2s, 5s);
  loop_.begin_round(start_);
  look_until(4);
  EXPECT_EQ(retired_, 0);
  look_until(20);
  EXPECT_EQ(retired_, 1);
  EXPECT_THAT(news_, ElementsAre(WatchNews::stalled, WatchNews::retires));
}

TEST_F(WatchdogLooks, WhatIsOffIsNotDone) {
  watchdog(0s, 0s);
  loop_.begin_round(start_);
  look_until(100);
  EXPECT_THAT(news_, IsEmpty());
  EXPECT_EQ(retired_, 0);
}

TEST_F(WatchdogLooks, RetiresWithoutAWarningBefore) {
  watchdog(0s, 5s);
  loop_.begin_round(start_);
  look_until(6);
  EXPECT_THAT(news_, ElementsAre(WatchNews::retires));
}

TEST_F(WatchdogLooks, AProcessThatStoodStillHasNotStalled) {
  watchdog(2s, 60s);
  look_until(1);
  loop_.begin_round(start_ + 1s);
  second_ = 99;
  look_until(100);  // the look before was 99 seconds ago
  EXPECT_THAT(news_, IsEmpty());
  look_until(103);  // but from here on it is the loop alone
  EXPECT_THAT(news_, ElementsAre(WatchNews::stalled));
}

TEST(StackOfThread, SaysWhereAThreadIsAndForWhom) {
  runtime::StackOfThread::install();
  ASSERT_NE(runtime::StackOfThread::signal(), 0);
  std::atomic<pid_t> id{0};
  std::atomic<bool> is_over{false};
  std::thread spins([&] {
    const runtime::Subject subject{"spin_wsh.so", "1", "/spin", 3};
    runtime::WatchedThread::here();
    const runtime::WatchedThread::Turn now(subject);
    id = static_cast<pid_t>(::syscall(SYS_gettid));
    while (!is_over) {
    }
  });
  while (id == 0) std::this_thread::yield();
  const runtime::StackSample sample = runtime::StackOfThread::ask(id);
  const runtime::StackSample again = runtime::StackOfThread::ask(id);
  is_over = true;
  spins.join();
#if !defined(__SANITIZE_THREAD__)  // which delivers signals late
  EXPECT_EQ(sample.subject, "handler spin_wsh.so (1) #3 /spin");
  EXPECT_THAT(sample.stack, HasSubstr("SaysWhereAThreadIsAndForWhom"));
  EXPECT_EQ(again.subject, sample.subject);
#endif
  EXPECT_EQ(runtime::StackOfThread::ask(id).stack, "");  // it is gone
}

TEST(Running, OneTurnInAnotherIsForTheTimeBeing) {
  runtime::Running running(nullptr);
  const runtime::Subject outer{"outer", "", "", 1}, inner{"inner", "", "", 2};
  {
    const runtime::Running::Turn first(running, outer);
    {
      const runtime::Running::Turn second(running, inner);
      EXPECT_EQ(running.subject().handler, "inner");
    }
    EXPECT_EQ(running.subject().handler, "outer");
  }
  EXPECT_EQ(running.subject().handler, "");
}

}  // namespace
}  // namespace cppwebsocket::testing
