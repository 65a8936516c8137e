#include "channels/backplane/redis/endpoints.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace cppwebsocket::channels {
namespace {

std::vector<RedisEndpoint> numeric(const char* url) {
  auto found = numeric_endpoints(*BackplaneUrl::parse(url));
  EXPECT_TRUE(found);
  return found ? *found : std::vector<RedisEndpoint>();
}

TEST(RedisEndpoint, IsFoundWithoutWaitingWhereNothingIsToBeLookedUp) {
  const auto found = numeric("redis://127.0.0.1:7000,[::1]");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].to_string(), "127.0.0.1:7000");
  EXPECT_EQ(found[1].to_string(), "[::1]:6379");
  EXPECT_EQ(found[1].host, "::1");
  EXPECT_FALSE(numeric_endpoints(*BackplaneUrl::parse("redis://127.0.0.1,localhost")));
}

TEST(RedisEndpoint, KeepsTheNameThatItWasFoundBy) {
  const auto found = look_up(*BackplaneUrl::parse("redis://127.0.0.1:1,localhost:7000"));
  ASSERT_GE(found.size(), 2u);
  EXPECT_EQ(found[0].host, "127.0.0.1");
  EXPECT_EQ(found[1].host, "localhost");
  EXPECT_TRUE(found[1].to_string().starts_with("localhost (")) << found[1].to_string();
  EXPECT_TRUE(found[1].to_string().ends_with(":7000)")) << found[1].to_string();
  EXPECT_FALSE(found[0] == found[1]);
}

TEST(RedisEndpoint, MayBeASocketsPath) {
  const auto found = numeric("unix:///run/redis.sock");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].to_string(), "/run/redis.sock");
  EXPECT_EQ(found[0].address.ss_family, AF_UNIX);
}

struct RedisEndpointsInTurn : testing::Test {
  RedisEndpointsInTurn() { endpoints.set(numeric(three)); }
  std::string next() { return endpoints.next().to_string(); }

  static constexpr const char* three = "redis://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3";
  RedisEndpoints endpoints;
};

TEST_F(RedisEndpointsInTurn, AreTriedInTheirOrder) {
  for (const char* expected : {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:1"})
    EXPECT_EQ(next(), expected);
}

TEST_F(RedisEndpointsInTurn, BeginWithTheOneThatWorkedLast) {
  next();
  next();
  endpoints.works();
  endpoints.set(numeric(three));
  for (const char* expected : {"127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:1", "127.0.0.1:2"})
    EXPECT_EQ(next(), expected);
}

TEST_F(RedisEndpointsInTurn, BeginAnewWhereThatOneIsGone) {
  next();
  next();
  endpoints.works();
  endpoints.set(numeric("redis://127.0.0.1:7,127.0.0.1:8"));
  EXPECT_EQ(next(), "127.0.0.1:7");
}

TEST_F(RedisEndpointsInTurn, PassOverOneThatIsNotItAnyMore) {
  next();
  endpoints.works();
  endpoints.pass_over();
  EXPECT_EQ(next(), "127.0.0.1:2");
  endpoints.pass_over();
  EXPECT_EQ(next(), "127.0.0.1:3");
}

TEST_F(RedisEndpointsInTurn, KnowWhenAllWereTried) {
  for (const bool expected : {false, false, true, false}) {
    next();
    EXPECT_EQ(endpoints.round_is_over(), expected);
  }
  endpoints.works();
  EXPECT_TRUE(endpoints.round_is_over());
  endpoints.set({});
  EXPECT_TRUE(endpoints.round_is_over());
}

}  // namespace
}  // namespace cppwebsocket::channels
