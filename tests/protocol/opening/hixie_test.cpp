// What no opening handshake of draft-75 or draft-76 is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "protocol/opening/handshake.hpp"
#include "protocol/support/draft_samples.hpp"
#include "protocol/support/request_head.hpp"

namespace cppwebsocket::protocol {
namespace {

using testing::draft75_sample;
using testing::draft76_sample;
using ::testing::HasSubstr;
using testing::replaced;
using testing::RequestHead;

struct Refused {
  const char* name;
  const char* what;  // of the sample is replaced
  const char* by;
  const char* named;  // by the refusal
  std::string sample;
};

std::vector<Refused> refused_of(const std::string& sample, std::vector<Refused> cases) {
  for (Refused& each : cases) each.sample = sample;
  return cases;
}

class DraftRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(DraftRefuses, Request) {
  RequestHead head(replaced(GetParam().sample, GetParam().what, GetParam().by));
  const auto result = parse_opening(head.request(), true);
  ASSERT_TRUE(std::holds_alternative<Refusal>(result));
  EXPECT_EQ(std::get<Refusal>(result).status, 400);
  EXPECT_THAT(std::get<Refusal>(result).text, HasSubstr(GetParam().named));
}

INSTANTIATE_TEST_SUITE_P(
    Draft75Section4, DraftRefuses,
    ::testing::ValuesIn(refused_of(
        draft75_sample, {{"NoOrigin", "Origin:", "X:", "Origin"},
                         {"EmptyOrigin", "Origin: http://example.com", "Origin:", "Origin"},
                         {"OriginWithLineFeed", "http://example.com", "http://a\nX: 1", "Origin"},
                         {"NoHost", "Host:", "X:", "Host"},
                         {"EmptyProtocol", "sample", "", "WebSocket-Protocol"},
                         {"ProtocolWithLineFeed", "sample", "sam\nple", "WebSocket-Protocol"},
                         {"Body", "Host:", "Content-Length: 8\r\nHost:", "Content-Length"}})),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Draft76Section5, DraftRefuses,
    ::testing::ValuesIn(refused_of(
        draft76_sample, {{"NoOrigin", "Origin:", "X:", "Origin"},
                         {"EmptyOrigin", "http://example.com\r\n", "\r\n", "Origin"},
                         {"NoHost", "Host:", "X:", "Host"},
                         {"NoConnection", "Connection:", "X:", "Connection"},
                         {"Post", "GET", "POST", "method"},
                         {"NoKey1", "Sec-WebSocket-Key1:", "X:", "Key1"},
                         {"NoKey2", "Sec-WebSocket-Key2:", "X:", "Key2"},
                         {"TwoKey1", "Upgrade: W", "Sec-WebSocket-Key1: 1 2\r\nUpgrade: W", "Key1"},
                         {"EmptyProtocol", "sample\r\n", "\r\n", "Sec-WebSocket-Protocol"},
                         {"TwoProtocols", "Upgrade: W", "Sec-WebSocket-Protocol: b\r\nUpgrade: W",
                          "Sec-WebSocket-Protocol"},
                         {"ProtocolNotAscii", "sample", "s\xc3\xa4mple", "Sec-WebSocket-Protocol"},
                         {"ProtocolWithLineFeed", "sample", "sam\nple", "Sec-WebSocket-Protocol"},
                         {"Chunked", "Upgrade: W", "Transfer-Encoding: chunked\r\nUpgrade: W",
                          "Transfer-Encoding"}})),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace cppwebsocket::protocol
