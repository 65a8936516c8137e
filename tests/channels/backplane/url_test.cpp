#include "channels/backplane/url.hpp"

#include <gtest/gtest.h>

namespace cppwebsocket::channels {
namespace {

TEST(BackplaneUrl, ReadsAllParts) {
  const auto url = BackplaneUrl::parse("redis://chat@redis.example.com:7000/3");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, BackplaneUrl::Scheme::redis);
  EXPECT_EQ(url->user, "chat");
  EXPECT_EQ(url->host, "redis.example.com");
  EXPECT_EQ(url->port, 7000);
  EXPECT_EQ(url->database, 3u);
}

TEST(BackplaneUrl, HasDefaults) {
  EXPECT_EQ(BackplaneUrl::parse("redis://localhost")->to_string(), "redis://localhost:6379/0");
  EXPECT_EQ(BackplaneUrl::parse("redis://localhost/")->to_string(), "redis://localhost:6379/0");
  EXPECT_EQ(BackplaneUrl::parse("rediss://localhost")->to_string(), "rediss://localhost:6379/0");
  EXPECT_EQ(BackplaneUrl::parse("nats://localhost")->to_string(), "nats://localhost:4222");
}

TEST(BackplaneUrl, KeepsIPv6AddressesInBrackets) {
  const auto url = BackplaneUrl::parse("redis://[::1]:6380/1");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->to_string(), "redis://[::1]:6380/1");
  EXPECT_EQ(BackplaneUrl::parse("nats://[fe80::2]")->port, 4222);
}

TEST(BackplaneUrl, RefusesAllElse) {
  for (const char* text :
       {"", "redis", "redis:/x", "http://localhost", "REDIS://localhost", "redis://", "redis:///0",
        "redis://:6379", "redis://host:", "redis://host:0", "redis://host:65536", "redis://host:x",
        "redis://host:1 ", "redis://host/one", "redis://host/-1", "redis://host/1048576",
        "redis://host/0/1", "redis://ho st", "redis://[::1", "redis://[::1]6379", "redis://[]",
        "redis://[a/b]", "redis://@host", "nats://host/1", "redis://host\n", "redis://::1"})
    EXPECT_FALSE(BackplaneUrl::parse(text)) << text;
}

TEST(BackplaneUrl, RefusesAPassword) {
  EXPECT_FALSE(BackplaneUrl::parse("redis://user:secret@host"));
  EXPECT_FALSE(BackplaneUrl::parse("redis://:secret@host"));
}

TEST(BackplanePrefix, IsAWordThatBeginsWithALetter) {
  for (const char* word : {"a", "Site", "site-2_b"}) EXPECT_TRUE(is_backplane_prefix(word)) << word;
  EXPECT_TRUE(is_backplane_prefix(std::string(32, 'a')));
  EXPECT_FALSE(is_backplane_prefix(std::string(33, 'a')));
  for (const char* word : {"", "1", "-a", "a.b", "a:b", "a{b}", "a b", "a*", "ä"})
    EXPECT_FALSE(is_backplane_prefix(word)) << word;
}

}  // namespace
}  // namespace cppwebsocket::channels
