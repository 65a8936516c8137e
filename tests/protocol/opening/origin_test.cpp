// RFC 6454 and the default origin policy.
#include <gtest/gtest.h>

#include <vector>

#include "protocol/opening/handshake.hpp"

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
                             {"ws://example.com", "example.com", false, false}}));

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

}  // namespace
}  // namespace cppwebsocket::protocol
