// A handler that says the same again and again.
#include "runtime/counters/repeated_lines.hpp"

#include <gmock/gmock.h>

namespace cppwebsocket::runtime {
namespace {

using namespace std::chrono_literals;

class RepeatedLinesTest : public ::testing::Test {
 protected:
  unsigned written(unsigned lines, std::string_view handler = "a_wsh.so", LogLevel level = LogLevel::error) {
    unsigned count = 0;
    for (unsigned i = 0; i < lines; ++i) count += lines_.may_write(handler, level, now_);
    return count;
  }

  RepeatedLines lines_;
  RepeatedLines::TimePoint now_{1h};
};

TEST_F(RepeatedLinesTest, TheFirstOfAMinuteAreWrittenAndTheRestIsSummedUp) {
  EXPECT_EQ(written(1000), RepeatedLines::most);
  EXPECT_TRUE(lines_.take_over(now_ + 59s).empty());
  const auto left_out = lines_.take_over(now_ + 60s);
  ASSERT_EQ(left_out.size(), 1u);
  EXPECT_EQ(left_out[0].handler, "a_wsh.so");
  EXPECT_EQ(left_out[0].lines, 1000 - RepeatedLines::most);
  now_ += 60s;
  EXPECT_EQ(written(1000), RepeatedLines::most);
}

TEST_F(RepeatedLinesTest, NothingIsForgottenThatIsNotTold) {
  written(RepeatedLines::most + 1);
  now_ += 2min;
  EXPECT_EQ(written(5), 0u);
  EXPECT_EQ(lines_.take_over(now_)[0].lines, 6u);
}

TEST_F(RepeatedLinesTest, EachHandlerAndLevelHasItsOwn) {
  written(1000);
  EXPECT_EQ(written(3, "b_wsh.so"), 3u);
  EXPECT_EQ(written(3, "a_wsh.so", LogLevel::warning), 3u);
}

TEST_F(RepeatedLinesTest, WhatSomebodyHasAskedForIsWritten) {
  EXPECT_EQ(written(1000, "a_wsh.so", LogLevel::info), 1000u);
  EXPECT_EQ(written(1000, "a_wsh.so", LogLevel::debug), 1000u);
}

TEST_F(RepeatedLinesTest, FewLinesLeaveNothing) {
  for (int i = 0; i < 10; ++i, now_ += 60s) EXPECT_EQ(written(RepeatedLines::most), RepeatedLines::most);
  EXPECT_TRUE(lines_.take_over(now_ + 60s).empty());
}

}  // namespace
}  // namespace cppwebsocket::runtime
