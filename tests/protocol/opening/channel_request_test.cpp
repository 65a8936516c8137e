// What requests from outside say about channels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/opening/channel_request.hpp"

namespace cppwebsocket::protocol {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

constexpr Position first{0x5f, 3};
constexpr Position second{0xffffffffffffffff, 18446744073709551615u};

TEST(QueryValue, IsTheFirstOfItsName) {
  EXPECT_EQ(query_value("after=5f-3&limit=10&after=x", "after"), "5f-3");
  EXPECT_EQ(query_value("after=5f-3&limit=10", "limit"), "10");
  EXPECT_EQ(query_value("after=", "after"), "");
  EXPECT_EQ(query_value("after", "after"), "");
  EXPECT_EQ(query_value("after=a=b", "after"), "a=b");
  EXPECT_EQ(query_value("", "after"), std::nullopt);
  EXPECT_EQ(query_value("&&=x&before=1", "after"), std::nullopt);
}

TEST(QueryValues, AreAllOfTheName) {
  EXPECT_THAT(query_values("channel=a&x=1&channel=b%2fc&channel=", "channel"), ElementsAre("a", "b/c", ""));
  EXPECT_THAT(query_values("x=channel", "channel"), ElementsAre());
}

TEST(QueryValue, IsDecoded) {
  EXPECT_EQ(query_value("after=5f-3%2C%38+x", "after"), "5f-3,8 x");
  EXPECT_EQ(query_value("%61fter=1", "after"), "1");
  EXPECT_EQ(query_value("a=%", "a"), "%");
  EXPECT_EQ(query_value("a=%4", "a"), "%4");
  EXPECT_EQ(query_value("a=%zz", "a"), "%zz");
}

TEST(Count, IsDigitsOnlyUpToTheMost) {
  EXPECT_EQ(parse_count("0", 10), 0u);
  EXPECT_EQ(parse_count("10", 10), 10u);
  for (const char* wrong : {"", "11", "-1", "+1", " 1", "1 ", "1x", "99999999999999999999"})
    EXPECT_EQ(parse_count(wrong, 10), std::nullopt) << wrong;
}

TEST(Token, NamesAPositionForEachChannel) {
  EXPECT_EQ(to_token({first}), "5f-3");
  EXPECT_EQ(to_token({first, std::nullopt, second}), "5f-3,,ffffffffffffffff-18446744073709551615");
  EXPECT_THAT(parse_token("5f-3", 1), Optional(ElementsAre(Optional(first))));
  EXPECT_THAT(parse_token("5f-3,,ffffffffffffffff-18446744073709551615", 3),
              Optional(ElementsAre(Optional(first), std::nullopt, Optional(second))));
  EXPECT_THAT(parse_token("", 1), Optional(ElementsAre(std::nullopt)));
}

TEST(Token, OfOtherChannelsOrOfAnythingElseIsNone) {
  EXPECT_EQ(parse_token("5f-3", 2), std::nullopt);
  EXPECT_EQ(parse_token("5f-3,", 1), std::nullopt);
  EXPECT_EQ(parse_token("5f-3,1-1,", 2), std::nullopt);
  EXPECT_EQ(parse_token("", 2), std::nullopt);
  EXPECT_EQ(parse_token("", 0), Positions());
  for (const char* wrong : {"-", "5f-", "-3", "x-3", "5f-3 ", " 5f-3", "5f-3x", "5f--3", "5f-+3",
                            "10000000000000000-1", "1-18446744073709551616"})
    EXPECT_EQ(parse_token(wrong, 1), std::nullopt) << wrong;
}

TEST(BodyKind, IsTextUnlessTheTypeSaysOtherwise) {
  for (const char* type : {"", "text/plain", "text/plain;charset=UTF-8",
                           "text/html; charset=\"utf-8\"", "application/json",
                           "application/x-www-form-urlencoded", "text/plain; x=y; charset=us-ascii",
                           "application/vnd.example+json", "nonsense", ";", ";charset"})
    EXPECT_EQ(body_kind(type),
              type == std::string_view(";charset") ? BodyKind::unsupported : BodyKind::text)
        << type;
  for (const char* type : {"application/octet-stream", "Application/Octet-Stream; x=y", "image/png",
                           "video/mp4;codecs=x", "application/cbor"})
    EXPECT_EQ(body_kind(type), BodyKind::binary) << type;
  for (const char* type : {"multipart/form-data; boundary=x", "message/http",
                           "text/plain; charset=iso-8859-1", "text/plain;CHARSET = \"Shift_JIS\""})
    EXPECT_EQ(body_kind(type), BodyKind::unsupported) << type;
}

TEST(Accept, HasToNameTheEventStream) {
  EXPECT_TRUE(accepts_event_stream("text/event-stream"));
  EXPECT_TRUE(accepts_event_stream("text/html, Text/Event-Stream;q=0.9"));
  for (const char* other : {"", "*/*", "text/*", "text/html", "text/event-streams"})
    EXPECT_FALSE(accepts_event_stream(other)) << other;
}

TEST(ChannelRequest, TakesTheLinesOfABody) {
  using Lines = std::vector<std::string_view>;
  EXPECT_EQ(lines_of("", 10), Lines{});
  EXPECT_EQ(lines_of("\n\r\n\n", 10), Lines{});
  EXPECT_EQ(lines_of("one", 10), Lines{"one"});
  EXPECT_EQ(lines_of("one\n", 10), Lines{"one"});
  EXPECT_EQ(lines_of("one\r\n two \n\r\rthree\r\n", 10), (Lines{"one", " two ", "\r\rthree"}));
  EXPECT_EQ(lines_of("a\nb\nc\n", 2), (Lines{"a", "b"}));
}

}  // namespace
}  // namespace cppwebsocket::protocol
