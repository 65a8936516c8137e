#include "runtime/loop/blocking_pool.hpp"

#include <gtest/gtest.h>

#include <signal.h>

#include <atomic>
#include <future>
#include <set>
#include <vector>

namespace cppwebsocket::testing {
namespace {

using runtime::BlockingPool;

TEST(BlockingPool, ReservesAsManyPlacesAsThreads) {
  BlockingPool pool(3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(pool.reserve());
  EXPECT_FALSE(pool.reserve());
  pool.release();
  EXPECT_TRUE(pool.reserve());
  EXPECT_FALSE(pool.reserve());
}

TEST(BlockingPool, WithoutPlacesReservesNone) { EXPECT_FALSE(BlockingPool(0).reserve()); }

TEST(BlockingPool, RunsAtOnceWhileThereAreThreads) {
  BlockingPool pool(4);
  std::promise<void> all_here, go_on;
  const auto may_go = go_on.get_future().share();
  std::atomic<int> here = 0;
  for (int i = 0; i < 4; ++i)
    pool.run([&, may_go] {
      if (++here == 4) all_here.set_value();
      may_go.wait();
    });
  EXPECT_EQ(all_here.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  go_on.set_value();
}

TEST(BlockingPool, MoreThanItsThreadsWaitInLineInOrder) {
  std::vector<int> order;
  {
    BlockingPool pool(1);
    std::promise<void> go_on;
    pool.run(
        [&, future = std::make_shared<std::future<void>>(go_on.get_future())] { future->wait(); });
    for (int i = 0; i < 100; ++i) pool.run([&, i] { order.push_back(i); });
    go_on.set_value();
  }
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

TEST(BlockingPool, ThatEndsFirstDoesWhatItWasGiven) {
  std::atomic<int> done = 0;
  {
    BlockingPool pool(2);
    for (int i = 0; i < 1000; ++i) pool.run([&] { ++done; });
  }
  EXPECT_EQ(done, 1000);
}

TEST(BlockingPool, UsesAThreadAgain) {
  BlockingPool pool(8);
  std::set<std::thread::id> ids;
  for (int i = 0; i < 50; ++i) {
    std::promise<std::thread::id> id;
    pool.run([&] { id.set_value(std::this_thread::get_id()); });
    ids.insert(id.get_future().get());
  }
  EXPECT_LT(ids.size(), 50u);
}

TEST(BlockingPool, ItsThreadsTakeNoSignals) {
  BlockingPool pool(1);
  std::promise<bool> blocked;
  pool.run([&] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked.set_value(sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGUSR1) == 1);
  });
  EXPECT_TRUE(blocked.get_future().get());
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
}

TEST(BlockingPool, WhatAFunctionHoldsIsGoneWhenThePoolIs) {
  auto held = std::make_shared<int>(1);
  {
    BlockingPool pool(2);
    for (int i = 0; i < 20; ++i) pool.run([held] {});
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace cppwebsocket::testing
