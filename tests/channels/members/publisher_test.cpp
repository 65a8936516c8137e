// By what publishers are told apart.
#include "channels/members/publisher.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace cppwebsocket::channels {
namespace {

TEST(Publishers, AreToldApartByTheirAddress) {
  for (const char* none : {"", "127.0.0.1:80", "127.1.2.3", "::1", "[::1]:80"})
    EXPECT_EQ(publisher_of(none), 0) << none;
  EXPECT_EQ(publisher_of("192.0.2.1"), publisher_of("192.0.2.1:1234"));
  EXPECT_EQ(publisher_of("2001:db8:1:2:3:4:5:6"), publisher_of("[2001:db8:1:2:7::9]:80"));
  EXPECT_EQ(publisher_of("2001:db8::1"), publisher_of("[2001:db8::1:2:3:4]:80"));
  std::set<int> numbers;
  for (int i = 0; i < 200; ++i) {
    numbers.insert(publisher_of("192.0.2." + std::to_string(i)));
    numbers.insert(publisher_of("2001:db8:0:" + std::to_string(1 + i) + "::1"));
  }
  EXPECT_GT(numbers.size(), 360u);
  EXPECT_LT(*numbers.rbegin(), most_publishers);
  EXPECT_NE(*numbers.begin(), 0);
}

}  // namespace
}  // namespace cppwebsocket::channels
