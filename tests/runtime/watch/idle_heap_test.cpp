// When the memory of connections that have gone is given back.
#include "runtime/watch/idle_heap.hpp"

#include <gtest/gtest.h>

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;

class IdleHeap : public ::testing::Test {
 protected:
  // A second later.
  bool is_due(std::size_t connections, std::size_t most = 0) {
    now_ += 1s;
    return heap_.is_due(connections, most, now_);
  }
  runtime::IdleHeap heap_;
  runtime::IdleHeap::TimePoint now_{};
};

TEST_F(IdleHeap, OnceAfterAPeakWhenTheOthersStay) {
  EXPECT_FALSE(is_due(10'000));
  EXPECT_FALSE(is_due(4'000)) << "they are going";
  EXPECT_FALSE(is_due(100)) << "they are going";
  EXPECT_FALSE(is_due(100));
  EXPECT_TRUE(is_due(100));
  EXPECT_FALSE(is_due(100));
  EXPECT_FALSE(is_due(90));
}

TEST_F(IdleHeap, APeakMayBeShort) {
  EXPECT_FALSE(is_due(10));
  EXPECT_FALSE(is_due(10, 1'000));
  EXPECT_TRUE(is_due(10));
  EXPECT_FALSE(is_due(10));
}

TEST_F(IdleHeap, WhoComesBackAtOnceIsNotKeptWaiting) {
  EXPECT_FALSE(is_due(10'000));
  EXPECT_FALSE(is_due(0));
  for (int i = 1; i < 10; ++i) EXPECT_FALSE(is_due(static_cast<std::size_t>(i) * 1'000));
}

TEST_F(IdleHeap, NotForAFew) {
  EXPECT_FALSE(is_due(200));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(is_due(0));
  EXPECT_FALSE(is_due(10'000));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(is_due(6'000)) << "most are still there";
}

TEST_F(IdleHeap, SomeMayComeAndGo) {
  EXPECT_FALSE(is_due(10'000));
  EXPECT_FALSE(is_due(1'000));
  EXPECT_FALSE(is_due(990));
  EXPECT_TRUE(is_due(980));
  EXPECT_FALSE(is_due(2'000));
  EXPECT_FALSE(is_due(200));
  EXPECT_FALSE(is_due(200));
  EXPECT_TRUE(is_due(200)) << "a peak of its own";
}

}  // namespace
}  // namespace cppwebsocket::testing
