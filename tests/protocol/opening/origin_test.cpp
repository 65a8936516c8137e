// RFC 6454 and the default origin policy.
#include <gtest/gtest.h>

#include <vector>

#include "protocol/opening/origin.hpp"

namespace cppwebsocket::protocol {
namespace {

struct SameOriginCase {
  const char* origin;
  const char* host;
  bool secure;
  bool same;
};

class SameOrigin : public ::testing::TestWithParam<SameOriginCase> {};

TEST_P(SameOrigin, IsJudged) {
  const auto& [origin, host, secure, same] = GetParam();
  EXPECT_EQ(is_same_origin(origin, host, secure), same)
      << origin << " against " << host << (secure ? " over TLS" : "");
}

INSTANTIATE_TEST_SUITE_P(Same, SameOrigin,
                         ::testing::ValuesIn(std::vector<SameOriginCase>{
                             {"http://example.com", "example.com", false, true},
                             {"https://example.com", "example.com", true, true},
                             {"http://example.com:8080", "example.com:8080", false, true},
                             {"http://example.com:80", "example.com", false, true},
                             {"http://example.com", "example.com:80", false, true},
                             {"https://example.com", "example.com:443", true, true},
                             {"HTTP://EXAMPLE.com", "Example.COM", false, true},
                             {"http://localhost", "localhost", false, true},
                             {"http://127.0.0.1:81", "127.0.0.1:81", false, true},
                             {"http://[::1]", "[::1]", false, true},
                             {"ws://example.com:8080", "example.com:8080", false, true},
                             {"wss://example.com", "example.com:443", true, true},
                             {"http://[2001:DB8::1]:8080", "[2001:db8::1]:8080", false, true}}));

INSTANTIATE_TEST_SUITE_P(Different, SameOrigin,
                         ::testing::ValuesIn(std::vector<SameOriginCase>{
                             {"https://example.com", "example.com", false, false},
                             {"http://example.com", "example.com", true, false},
                             {"https://example.com:80", "example.com:80", false, false},
                             {"http://example.com:443", "example.com:443", true, false},
                             {"http://example.com:8080", "example.com", false, false},
                             {"http://example.com", "example.com:8080", false, false},
                             {"http://example.com:443", "example.com", false, false},
                             {"http://www.example.com", "example.com", false, false},
                             {"http://example.com", "www.example.com", false, false},
                             {"http://example.com.evil.test", "example.com", false, false},
                             {"http://evilexample.com", "example.com", false, false},
                             {"http://example.com.", "example.com", false, false},
                             {"http://[::1]", "[::2]", false, false},
                             {"http://[::1]:80", "[::1]:81", false, false},
                             {"ws://example.com", "example.com", true, false},
                             {"wss://example.com", "example.com", false, false},
                             {"wsx://example.com", "example.com", false, false}}));

INSTANTIATE_TEST_SUITE_P(NotOneSerializedOrigin, SameOrigin,
                         ::testing::ValuesIn(std::vector<SameOriginCase>{
                             {"null", "example.com", false, false},
                             {"null", "null", false, false},
                             {"", "example.com", false, false},
                             {"", "", false, false},
                             {"example.com", "example.com", false, false},
                             {"//example.com", "example.com", false, false},
                             {"http:example.com", "example.com", false, false},
                             {"http:/example.com", "example.com", false, false},
                             {"http://", "", false, false},
                             {"http://example.com/", "example.com", false, false},
                             {"http://example.com/x", "example.com", false, false},
                             {"http://example.com?x", "example.com", false, false},
                             {"http://example.com#x", "example.com", false, false},
                             {"http://example.com\\", "example.com", false, false},
                             {"http://u@example.com", "example.com", false, false},
                             {"http://example.com:", "example.com", false, false},
                             {"http://example.com:080", "example.com", false, false},
                             {"http://example.com:+80", "example.com", false, false},
                             {"http://example.com:65616", "example.com:80", false, false},
                             {"http://example.com ", "example.com", false, false},
                             {" http://example.com", "example.com", false, false},
                             {"http://example.com http://evil.test", "example.com", false, false},
                             {"http://evil.test http://example.com", "example.com", false, false},
                             {"http://[::1", "[::1", false, false},
                             {"http://::1", "::1", false, false},
                             {"http://[]", "[]", false, false},
                             {"http://example.com", "example.com/", false, false},
                             {"http://example.com", "", false, false}}));

struct OriginCase {
  const char* origin;
  const char* expected;
  bool same;
};

class ListedOrigin : public ::testing::TestWithParam<OriginCase> {};

TEST_P(ListedOrigin, IsComparedExactly) {
  const auto& [origin, expected, same] = GetParam();
  EXPECT_EQ(is_origin(origin, expected), same) << origin << " against " << expected;
}

INSTANTIATE_TEST_SUITE_P(Compared, ListedOrigin,
                         ::testing::ValuesIn(std::vector<OriginCase>{
                             {"http://localhost", "http://localhost", true},
                             {"HTTPS://Example.com", "https://example.COM", true},
                             {"https://example.com:443", "https://example.com", true},
                             {"http://[::1]:8080", "http://[::1]:8080", true},
                             {"chrome-extension://abcdef", "chrome-extension://abcdef", true},
                             {"foo://a:80", "foo://a", false},
                             {"http://localhost", "https://localhost", false},
                             {"http://localhost:8080", "http://localhost", false},
                             {"http://localhost.evil.test", "http://localhost", false},
                             {"http://localhos", "http://localhost", false},
                             {"http://localhost/", "http://localhost", false},
                             {"http://localhost/", "http://localhost/", false},
                             {"http://localhost http://localhost", "http://localhost", false},
                             {"", "", false},
                             {"localhost", "localhost", false},
                             {"*", "*", false},
                             {"https://*.example.com", "https://*.example.com", false},
                             {"null", "http://localhost", false},
                             {"http://localhost", "null", false},
                             {"null", "null", true},
                             {"Null", "null", false}}));

class OriginByPattern : public ::testing::TestWithParam<OriginCase> {};

TEST_P(OriginByPattern, Matches) {
  const auto& [origin, pattern, same] = GetParam();
  EXPECT_TRUE(is_origin_pattern(pattern));
  EXPECT_EQ(matches_origin(origin, pattern), same) << origin << " against " << pattern;
}

INSTANTIATE_TEST_SUITE_P(Matched, OriginByPattern,
                         ::testing::ValuesIn(std::vector<OriginCase>{
                             {"https://example.com", "https://example.com", true},
                             {"https://a.example.com", "https://example.com", false},
                             {"https://a.example.com", "https://*.example.com", true},
                             {"HTTPS://A.Example.COM:443", "https://*.example.com", true},
                             {"https://a.b.example.com", "https://*.Example.com:443", true},
                             {"https://example.com", "https://*.example.com", false},
                             {"https://.example.com", "https://*.example.com", false},
                             {"https://evilexample.com", "https://*.example.com", false},
                             {"https://example.com.evil.test", "https://*.example.com", false},
                             {"https://a.example.com.", "https://*.example.com", false},
                             {"http://a.example.com", "https://*.example.com", false},
                             {"https://a.example.com:8443", "https://*.example.com", false},
                             {"https://a.example.com:8443", "https://*.example.com:8443", true},
                             {"https://a.example.com:8443", "https://*.example.com:*", true},
                             {"https://a.example.com/", "https://*.example.com", false},
                             {"https://u@a.example.com", "https://*.example.com", false},
                             {"http://localhost:5173", "http://localhost:*", true},
                             {"http://localhost", "http://localhost:*", true},
                             {"http://localhost.evil.test:80", "http://localhost:*", false},
                             {"http://a.localhost:3000", "http://*.localhost:*", true},
                             {"http://[::1]:3000", "http://[::1]:*", true},
                             {"https://localhost", "https://localhost", true},
                             {"capacitor://localhost", "capacitor://localhost", true},
                             {"ionic://localhost", "capacitor://localhost", false},
                             {"chrome-extension://abcdefghijklmnopabcdefghijklmnop",
                              "chrome-extension://abcdefghijklmnopabcdefghijklmnop", true},
                             {"moz-extension://6f3a2c1e-0000-4000-8000-000000000001",
                              "moz-extension://*", true},
                             {"chrome-extension://abc", "moz-extension://*", false},
                             {"moz-extension://", "moz-extension://*", false},
                             {"null", "null", true},
                             {"null", "moz-extension://*", false},
                             {"file://", "file://", true},
                             {"file:///etc", "file://", false},
                             {"", "file://", false}}));

TEST(OriginPattern, IsNotWhatLetsInMoreThanItSeems) {
  for (const char* text : {"",
                           "*",
                           "*.example.com",
                           "example.com",
                           "https://",
                           "https://*",
                           "http://*:*",
                           "wss://*",
                           "https://*:443",
                           "https://*.com",
                           "https://*.",
                           "https://*..com",
                           "https://*.example.",
                           "https://*example.com",
                           "https://a.*.com",
                           "https://*.*.com",
                           "https://ex*mple.com",
                           "https://*.168.1.1",
                           "https://*.[::1]",
                           "https://example.com:**",
                           "https://example.com:4*",
                           "https://example.com:443:*",
                           "*://example.com",
                           "https://example.com/*",
                           "https://*.example.com/",
                           "moz-extension://*/",
                           "moz-extension://*:*",
                           "moz-extension://*x",
                           "Null",
                           "file:///"})
    EXPECT_FALSE(is_origin_pattern(text)) << text;
}

TEST(Loopback, IsThisMachineByTwoNames) {
  EXPECT_TRUE(are_loopback("http://127.0.0.1:8080", "localhost:8080"));
  EXPECT_TRUE(are_loopback("http://localhost:8080", "127.0.0.1:8080"));
  EXPECT_TRUE(are_loopback("https://[::1]", "localhost"));
  EXPECT_FALSE(are_loopback("http://127.0.0.1.evil.test", "localhost"));
  EXPECT_FALSE(are_loopback("http://evil.test", "localhost"));
  EXPECT_FALSE(are_loopback("http://localhost", "www.example.com"));
  EXPECT_FALSE(are_loopback("null", "localhost"));
}

TEST(FixedHost, IsWhatNoNameServerCanLeadElsewhere) {
  for (const char* host : {"127.0.0.1", "192.0.2.255", "0.0.0.0", "[::1]", "[2001:DB8::1]",
                           "[::ffff:192.0.2.1]", "localhost", "LocalHost"})
    EXPECT_TRUE(is_fixed_host(host)) << host;
}

TEST(FixedHost, IsNoNameThatOnlyLooksLikeOne) {
  for (const char* host : {"",
                           "attacker.example",
                           "127.0.0.1.attacker.example",
                           "localhost.attacker.example",
                           "localhost.",
                           "xlocalhost",
                           "127.0.0.1.",
                           "127.0.0",
                           "127.1",
                           "2130706433",
                           "0x7f.0.0.1",
                           "0177.0.0.1",
                           "256.0.0.1",
                           "1.2.3.4.5",
                           "::1",
                           "[]",
                           "[::1",
                           "[127.0.0.1]",
                           "[::1]x",
                           "[fe80::1%25eth0]",
                           "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]"})
    EXPECT_FALSE(is_fixed_host(host)) << host;
}

}  // namespace
}  // namespace cppwebsocket::protocol
