#include "channels/backplane/url.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace cppwebsocket::channels {
namespace {

using Servers = std::vector<BackplaneUrl::Server>;

TEST(BackplaneUrl, ReadsAllParts) {
  const auto url = BackplaneUrl::parse("redis://chat@redis.example.com:7000/3");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, BackplaneUrl::Scheme::redis);
  EXPECT_EQ(url->user, "chat");
  EXPECT_EQ(url->servers, (Servers{{"redis.example.com", 7000}}));
  EXPECT_EQ(url->database, 3u);
}

TEST(BackplaneUrl, HasDefaults) {
  EXPECT_EQ(BackplaneUrl::parse("redis://localhost")->to_string(), "redis://localhost:6379/0");
  EXPECT_EQ(BackplaneUrl::parse("redis://localhost/")->to_string(), "redis://localhost:6379/0");
  EXPECT_EQ(BackplaneUrl::parse("rediss://localhost")->to_string(), "rediss://localhost:6379/0");
  EXPECT_EQ(BackplaneUrl::parse("nats://localhost")->to_string(), "nats://localhost:4222");
  EXPECT_EQ(BackplaneUrl::parse("tls://localhost")->to_string(), "tls://localhost:4222");
  EXPECT_EQ(BackplaneUrl::parse("unix:///run/redis.sock")->to_string(), "unix:///run/redis.sock?db=0");
}

TEST(BackplaneUrl, KeepsSeveralServersInOrder) {
  const auto url = BackplaneUrl::parse("rediss://chat@b:7000,a,[::1]:7001/2");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->servers, (Servers{{"b", 7000}, {"a", 6379}, {"::1", 7001}}));
  EXPECT_EQ(url->user, "chat");
  EXPECT_EQ(url->database, 2u);
  EXPECT_EQ(url->to_string(), "rediss://chat@b:7000,a:6379,[::1]:7001/2");
  EXPECT_EQ(BackplaneUrl::parse("tls://a,b:1/")->to_string(), "tls://a:4222,b:1");
}

TEST(BackplaneUrl, KnowsWhatItsSchemeSays) {
  EXPECT_FALSE(BackplaneUrl::parse("redis://a")->has_tls());
  EXPECT_TRUE(BackplaneUrl::parse("rediss://a")->has_tls());
  EXPECT_FALSE(BackplaneUrl::parse("rediss://a")->is_nats());
  EXPECT_FALSE(BackplaneUrl::parse("nats://a")->has_tls());
  EXPECT_TRUE(BackplaneUrl::parse("tls://a")->has_tls());
  EXPECT_TRUE(BackplaneUrl::parse("tls://a")->is_nats());
}

TEST(BackplaneUrl, ReadsASocketsPath) {
  const auto url = BackplaneUrl::parse("unix://chat@/run/redis@1/redis.sock?db=3");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->path, "/run/redis@1/redis.sock");
  EXPECT_EQ(url->user, "chat");
  EXPECT_EQ(url->database, 3u);
  EXPECT_TRUE(url->servers.empty());
  EXPECT_TRUE(BackplaneUrl::parse("unix:///" + std::string(106, 'a')));
  EXPECT_FALSE(BackplaneUrl::parse("unix:///" + std::string(107, 'a')));
  for (const char* text : {"unix://", "unix:/run/redis.sock", "unix://run/redis.sock", "unix:///", "unix:///run/",
                           "unix:///a?", "unix:///a?db=", "unix:///a?db=x", "unix:///a?db=1048576", "unix:///a/1?1",
                           "unix:///a b", "unix:///a\n", "unix://@/a", "unix://a:b@/a"})
    EXPECT_FALSE(BackplaneUrl::parse(text)) << text;
}

TEST(BackplaneUrl, KeepsIPv6AddressesInBrackets) {
  const auto url = BackplaneUrl::parse("redis://[::1]:6380/1");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->servers, (Servers{{"::1", 6380}}));
  EXPECT_EQ(url->to_string(), "redis://[::1]:6380/1");
  EXPECT_EQ(BackplaneUrl::parse("nats://[fe80::2]")->servers, (Servers{{"fe80::2", 4222}}));
}

TEST(BackplaneUrl, ReadsSentinelsAndTheirNameForTheMaster) {
  const auto url = BackplaneUrl::parse("redis+sentinel://chat@a,b:7000/main-1/3");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->servers, (Servers{{"a", 26379}, {"b", 7000}}));
  EXPECT_EQ(url->master, "main-1");
  EXPECT_EQ(url->database, 3u);
  EXPECT_FALSE(url->has_tls());
  EXPECT_FALSE(url->is_nats());
  EXPECT_EQ(url->to_string(), "redis+sentinel://chat@a:26379,b:7000/main-1/3");
  EXPECT_EQ(BackplaneUrl::parse("rediss+sentinel://a/m")->to_string(), "rediss+sentinel://a:26379/m/0");
  EXPECT_TRUE(BackplaneUrl::parse("rediss+sentinel://a/m/")->has_tls());
  for (const char* text : {"redis+sentinel://a", "redis+sentinel://a/", "redis+sentinel://a//1", "redis+sentinel:///m",
                           "redis+sentinel://a/m/x", "redis+sentinel://a/m/1/2", "redis+sentinel://a/m m", "redis://a/m"})
    EXPECT_FALSE(BackplaneUrl::parse(text)) << text;
}

TEST(BackplaneUrl, RefusesAllElse) {
  for (const char* text :
       {"", "redis", "redis:/x", "http://localhost", "REDIS://localhost", "redis://", "redis:///0",
        "redis://:6379", "redis://host:", "redis://host:0", "redis://host:65536", "redis://host:x",
        "redis://host:1 ", "redis://host/one", "redis://host/-1", "redis://host/1048576",
        "redis://host/0/1", "redis://ho st", "redis://[::1", "redis://[::1]6379", "redis://[]",
        "redis://[a/b]", "redis://@host", "nats://host/1", "redis://host\n", "redis://::1", "redis://a,",
        "redis://,a", "redis://a,,b", "redis://a, b", "redis://a/1,b", "redis://a,b@c", "tls://a/1", "rediss://a:b:1"})
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
