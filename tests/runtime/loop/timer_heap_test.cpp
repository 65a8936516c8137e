#include "runtime/loop/timer_heap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

namespace cppwebsocket::testing {
namespace {

using std::chrono::milliseconds;

// A timer that writes its number into a list when it fires.
struct Timer : detail::TimerNode {
  Timer(int number, std::vector<int>& fired) : number(number), fired(fired) {
    fire = [](TimerNode& node) {
      auto& self = static_cast<Timer&>(node);
      self.fired.push_back(self.number);
    };
  }
  int number;
  std::vector<int>& fired;
};

detail::TimePoint at(int ms) { return detail::TimePoint(milliseconds(ms)); }

class TimerHeap : public ::testing::Test {
 protected:
  Timer& timer(int number) {
    return *timers_.emplace_back(std::make_unique<Timer>(number, fired_));
  }

  runtime::TimerHeap heap_;
  std::vector<int> fired_;
  std::vector<std::unique_ptr<Timer>> timers_;
};

TEST_F(TimerHeap, FiresWhatIsDueEarliestFirst) {
  for (int ms : {30, 10, 20, 40}) heap_.arm(timer(ms), at(ms));
  EXPECT_EQ(heap_.next_deadline(), at(10));
  heap_.fire_due(at(9));
  EXPECT_TRUE(fired_.empty());
  heap_.fire_due(at(30));
  EXPECT_EQ(fired_, (std::vector{10, 20, 30}));
  EXPECT_EQ(heap_.next_deadline(), at(40));
}

TEST_F(TimerHeap, ATimerThatFiresIsOutOfTheHeapAndFiresOnce) {
  Timer& once = timer(1);
  heap_.arm(once, at(1));
  heap_.fire_due(at(1));
  heap_.fire_due(at(100));
  EXPECT_EQ(fired_, std::vector{1});
  EXPECT_FALSE(once.armed());
  EXPECT_TRUE(heap_.empty());
}

TEST_F(TimerHeap, ArmingAnArmedTimerMovesItBothWays) {
  Timer& first = timer(1);
  Timer& second = timer(2);
  heap_.arm(first, at(10));
  heap_.arm(second, at(20));
  heap_.arm(first, at(30));
  EXPECT_EQ(heap_.next_deadline(), at(20));
  heap_.arm(first, at(5));
  EXPECT_EQ(heap_.next_deadline(), at(5));
  heap_.fire_due(at(100));
  EXPECT_EQ(fired_, (std::vector{1, 2}));
}

TEST_F(TimerHeap, ADisarmedTimerDoesNotFireAndDisarmingTwiceIsHarmless) {
  Timer& first = timer(1);
  Timer& second = timer(2);
  heap_.arm(first, at(10));
  heap_.arm(second, at(20));
  heap_.disarm(first);
  heap_.disarm(first);
  EXPECT_FALSE(first.armed());
  heap_.fire_due(at(100));
  EXPECT_EQ(fired_, std::vector{2});
}

TEST_F(TimerHeap, ATimerMayDisarmAndArmOthersAndItselfWhileItFires) {
  struct Chain : detail::TimerNode {
    Chain(runtime::TimerHeap& heap, TimerNode& victim) : heap(heap), victim(victim) {}
    runtime::TimerHeap& heap;
    TimerNode& victim;
    int count = 0;
  } chain(heap_, timer(2));
  chain.fire = [](detail::TimerNode& node) {
    auto& each = static_cast<Chain&>(node);
    each.heap.disarm(each.victim);
    if (++each.count < 3) each.heap.arm(each, each.deadline + milliseconds(1));
  };
  heap_.arm(chain, at(1));
  heap_.arm(chain.victim, at(1));
  for (int ms = 10; ms < 13; ++ms) heap_.fire_due(at(ms));
  EXPECT_EQ(chain.count, 3);
  EXPECT_TRUE(fired_.empty());
  EXPECT_TRUE(heap_.empty());
}

TEST_F(TimerHeap, WhatIsArmedForNowWhileOthersFireIsForTheNextCall) {
  struct Again : detail::TimerNode {
    explicit Again(runtime::TimerHeap& heap) : heap(heap) {}
    runtime::TimerHeap& heap;
    int count = 0;
  } again(heap_);
  again.fire = [](detail::TimerNode& node) {
    auto& each = static_cast<Again&>(node);
    ++each.count;
    each.heap.arm(each, at(5));
  };
  heap_.arm(again, at(5));
  for (int i = 1; i <= 3; ++i) {
    heap_.fire_due(at(10 * i));
    EXPECT_EQ(again.count, i);
    EXPECT_EQ(heap_.next_deadline(), at(10 * i) + std::chrono::nanoseconds(1));
  }
  heap_.disarm(again);
}

TEST_F(TimerHeap, ManyRandomChangesKeepTheOrder) {
  std::mt19937 random(6455);
  for (int i = 0; i < 500; ++i) timer(i);
  for (int i = 0; i < 5000; ++i) {
    Timer& any = *timers_[random() % timers_.size()];
    if (random() % 3 == 0)
      heap_.disarm(any);
    else
      heap_.arm(any, at(static_cast<int>(random() % 1000)));
  }
  std::size_t armed = 0;
  for (const auto& each : timers_) armed += each->armed();
  heap_.fire_due(at(1000));
  ASSERT_EQ(fired_.size(), armed);
  EXPECT_TRUE(std::is_sorted(fired_.begin(), fired_.end(), [&](int a, int b) {
    return timers_[a]->deadline < timers_[b]->deadline;
  }));
  EXPECT_TRUE(heap_.empty());
}

}  // namespace
}  // namespace cppwebsocket::testing
