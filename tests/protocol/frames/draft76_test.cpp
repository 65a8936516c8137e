// draft-hixie-thewebsocketprotocol-76, also known as draft-ietf-hybi-thewebsocketprotocol-00.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "httpd/request/apr_digest.hpp"
#include "protocol/frames/protocol.hpp"
#include "protocol/opening/handshake.hpp"
#include "protocol/support/draft_feed.hpp"
#include "protocol/support/draft_samples.hpp"
#include "protocol/support/request_head.hpp"

namespace cppwebsocket::protocol {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using testing::draft76_sample;
using testing::feed;
using ::testing::HasSubstr;
using testing::replaced;
using testing::RequestHead;
using testing::sent;
using testing::to_text;

constexpr std::size_t limit = 1000;

// --- the opening handshake
// ------------------------------------------------------------------------

TEST(Draft76Opening, AnswersTheSampleByteForByte) {
  RequestHead head(draft76_sample);
  const auto result = parse_opening(head.request(), true);
  ASSERT_TRUE(std::holds_alternative<Opening>(result)) << std::get<Refusal>(result).text;
  const auto& opening = std::get<Opening>(result);
  EXPECT_EQ(opening.version, Version::draft76);
  EXPECT_TRUE(opening.needs_key3);
  EXPECT_EQ(opening.key_number_1, 829309203u);
  EXPECT_EQ(opening.key_number_2, 259970620u);
  EXPECT_THAT(opening.protocols, ElementsAre("sample"));

  const std::string challenge = draft76_challenge(opening, head.body());
  EXPECT_EQ(challenge, "\x31\x6e\x41\x13\x0f\x7e\xd6\x3c^n:ds[4U");
  EXPECT_EQ(to_text(complete_opening(opening, "sample", "", challenge, httpd::apr_digest)),
            "HTTP/1.1 101 WebSocket Protocol Handshake\r\n"
            "Upgrade: WebSocket\r\n"
            "Connection: Upgrade\r\n"
            "Sec-WebSocket-Origin: http://example.com\r\n"
            "Sec-WebSocket-Location: ws://example.com/demo\r\n"
            "Sec-WebSocket-Protocol: sample\r\n"
            "\r\n"
            "8jKS'y:G*Co,Wxa-");
}

TEST(Draft76Opening, AnswersTheChallengeOfSection1_3) {
  RequestHead head(
      "GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key2: 1_ tx7X d  <  nw  334J702) 7]o}` 0\r\nUpgrade: WebSocket\r\n"
      "Sec-WebSocket-Key1: 18x 6]8vM;54 *(5:  {   U1]8  z [  8\r\n"
      "Origin: http://example.com\r\n\r\nTm[K T2u");
  const auto opening = std::get<Opening>(parse_opening(head.request(), true));
  EXPECT_EQ(opening.key_number_1, 155712099u);
  EXPECT_EQ(opening.key_number_2, 173347027u);
  const auto answer =
      complete_opening(opening, "", "", draft76_challenge(opening, head.body()), httpd::apr_digest);
  EXPECT_EQ(answer.body, "fQJ,fN/4F4!~K~MH");
  EXPECT_EQ(answer.headers.back().first, "Sec-WebSocket-Location");
}

TEST(Draft76Opening, LocationIsSecureOverTls) {
  RequestHead head(draft76_sample);
  head.request().secure = true;
  EXPECT_EQ(std::get<Opening>(parse_opening(head.request(), true)).location,
            "wss://example.com/demo");
}

TEST(Draft76Opening, ThirdKeyMayBeCountedAsABody) {
  RequestHead counted(replaced(draft76_sample, "\r\n\r\n", "\r\nContent-Length: 8\r\n\r\n"));
  EXPECT_TRUE(std::holds_alternative<Opening>(parse_opening(counted.request(), true)));
  RequestHead more(replaced(draft76_sample, "\r\n\r\n", "\r\nContent-Length: 9\r\n\r\n"));
  EXPECT_FALSE(std::holds_alternative<Opening>(parse_opening(more.request(), true)));
}

struct KeyCase {
  const char* name;
  const char* key;
  std::optional<std::uint32_t> number;
};

class Draft76Key : public ::testing::TestWithParam<KeyCase> {};

TEST_P(Draft76Key, IsDigitsDividedBySpaces) {
  RequestHead head(replaced(draft76_sample, "4 @1  46546xW%0l 1 5", GetParam().key));
  const auto result = parse_opening(head.request(), true);
  ASSERT_EQ(std::holds_alternative<Opening>(result), GetParam().number.has_value());
  if (GetParam().number) {
    EXPECT_EQ(std::get<Opening>(result).key_number_1, *GetParam().number);
  } else {
    EXPECT_EQ(std::get<Refusal>(result).status, 400);
    EXPECT_THAT(std::get<Refusal>(result).text, HasSubstr("Sec-WebSocket-Key1"));
  }
}

INSTANTIATE_TEST_SUITE_P(Section5_2, Draft76Key,
                         ::testing::ValuesIn(std::vector<KeyCase>{
                             {"OneSpace", "1 2", 12},
                             {"Zero", "x 0", 0},
                             {"LeadingZeros", "00 00004", 4},
                             {"TwoSpaces", "a1 b0 c", 5},
                             {"Largest", "4294967 295", 4294967295},
                             {"TooLarge", "4294967 296", std::nullopt},
                             {"FarTooLarge", "99999999999999999999999999 9", std::nullopt},
                             {"WrapsRoundTo64Bits", "18446744073 709551617", std::nullopt},
                             {"TooLargeBeforeDividing", "85899345 9 2", std::nullopt},
                             {"NoSpaces", "12", std::nullopt},
                             {"NoDigits", "a b", std::nullopt},
                             {"NotIntegral", "1 0 1", std::nullopt},
                             {"TabIsNoSpace", "1\t2", std::nullopt},
                             {"Empty", "", std::nullopt}}),
                         [](const auto& info) { return info.param.name; });

TEST(Draft76Opening, SubprotocolIsOneNameWhateverItContains) {
  RequestHead head(replaced(draft76_sample, "sample", "my chat, v2"));
  EXPECT_THAT(std::get<Opening>(parse_opening(head.request(), true)).protocols,
              ElementsAre("my chat, v2"));
}

// --- frames, §4.2 and §5.3; those that both drafts share are in draft75_test.cpp
// -------------------

TEST(Draft76Framing, FfAndLengthZeroIsTheClosingHandshake) {
  EXPECT_THAT(feed(*make_draft76(limit), "\x00Hi\xff\xff\x00\x00late\xff"s),
              ElementsAre("text Hi", "close"));
}

TEST(Draft76Framing, ClosingHandshakeHasNoCode) {
  const auto draft = make_draft76(limit);
  ASSERT_THAT(feed(*draft, "\xff\x00"s), ElementsAre("close"));
  EXPECT_EQ(draft->peer_close().code(), std::nullopt);
  EXPECT_FALSE(draft->in_message());
  EXPECT_THAT(feed(*draft, "\x00 after\xff"s), ElementsAre());
}

TEST(Draft76Framing, ClosingHandshakeMaySpellItsLengthWithLeadingZeros) {
  EXPECT_THAT(feed(*make_draft76(limit), "\xff\x80\x80\x00"s), ElementsAre("close"));
}

TEST(Draft76Framing, FfWithALengthAndOtherTypesWithNoneAreDiscarded) {
  EXPECT_THAT(feed(*make_draft76(limit), "\xff\x02\xff\x00\x80\x00\xfe\x00\x00Hi\xff"s),
              ElementsAre("text Hi"));
}

TEST(Draft76Sending, CloseIsFf00) {
  const auto draft = make_draft76(limit);
  EXPECT_TRUE(draft->has_closing_handshake());
  EXPECT_EQ(sent([&](Output& out) { draft->send_close(Close(1000, "bye"), out); }), "\xff\x00"s);
}

TEST(Draft76Sending, UnfinishedMessageIsNotMadeWholeByAClose) {
  const auto draft = make_draft76(limit);
  EXPECT_EQ(sent([&](Output& out) {
              draft->send_message(Message("half"), false, out);
              draft->send_close(Close(1011), out);
            }),
            "\x00half"s);
  EXPECT_FALSE(draft->has_closing_handshake());
  EXPECT_EQ(sent([&](Output& out) {
              draft->send_message(Message(" done"), true, out);
              draft->send_close(Close(1000), out);
            }),
            " done\xff\xff\x00"s);
}

}  // namespace
}  // namespace cppwebsocket::protocol
