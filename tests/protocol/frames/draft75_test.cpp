// draft-hixie-thewebsocketprotocol-75, the seed's own; and the framing that both drafts share.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
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
using testing::draft75_sample;
using testing::feed;
using ::testing::HasSubstr;
using testing::replaced;
using testing::RequestHead;
using testing::sent;
using testing::to_text;

constexpr std::size_t limit = 1000;
constexpr const char* replacement = "\xef\xbf\xbd";  // U+FFFD

// --- the opening handshake, §4.1 and §4.2
// ----------------------------------------------------------

TEST(Draft75Opening, AnswersTheSeedsSampleByteForByte) {
  RequestHead head(draft75_sample);
  const auto result = parse_opening(head.request(), true);
  ASSERT_TRUE(std::holds_alternative<Opening>(result)) << std::get<Refusal>(result).text;
  const auto& opening = std::get<Opening>(result);
  EXPECT_EQ(opening.version, Version::draft75);
  EXPECT_FALSE(opening.needs_key3);
  EXPECT_THAT(opening.protocols, ElementsAre("sample"));
  EXPECT_EQ(to_text(complete_opening(opening, "sample", "", "", httpd::apr_digest)),
            "HTTP/1.1 101 Web Socket Protocol Handshake\r\n"
            "Upgrade: WebSocket\r\n"
            "Connection: Upgrade\r\n"
            "WebSocket-Origin: http://example.com\r\n"
            "WebSocket-Location: ws://example.com/demo\r\n"
            "WebSocket-Protocol: sample\r\n"
            "\r\n");
}

TEST(Draft75Opening, NamesNoSubprotocolIfNoneWasAskedFor) {
  RequestHead head(replaced(draft75_sample, "WebSocket-Protocol: sample\r\n", ""));
  const auto opening = std::get<Opening>(parse_opening(head.request(), true));
  EXPECT_TRUE(opening.protocols.empty());
  EXPECT_EQ(complete_opening(opening, "", "", "", httpd::apr_digest).headers.size(), 4u);
}

TEST(Draft75Opening, IgnoresTheLaterSubprotocolHeader) {
  RequestHead head(replaced(draft75_sample, "WebSocket-Protocol", "Sec-WebSocket-Protocol"));
  EXPECT_TRUE(std::get<Opening>(parse_opening(head.request(), true)).protocols.empty());
}

TEST(Draft75Opening, RepeatsAnOpaqueOrigin) {
  RequestHead head(replaced(draft75_sample, "http://example.com", "null"));
  const auto opening = std::get<Opening>(parse_opening(head.request(), true));
  EXPECT_THAT(to_text(complete_opening(opening, "", "", "", httpd::apr_digest)),
              HasSubstr("\r\nWebSocket-Origin: null\r\n"));
}

// --- frames of both drafts: draft-75 §4.3, draft-76 §5.3
// -------------------------------------------

class DraftFraming : public ::testing::TestWithParam<Version> {
 protected:
  static std::unique_ptr<Protocol> make(std::size_t max = limit) {
    return GetParam() == Version::draft76 ? make_draft76(max) : make_draft75(max);
  }
};

INSTANTIATE_TEST_SUITE_P(BothDrafts, DraftFraming,
                         ::testing::Values(Version::draft75, Version::draft76),
                         [](const auto& info) {
                           return info.param == Version::draft76 ? "Draft76" : "Draft75";
                         });

TEST_P(DraftFraming, TextIsWhatStandsBetween00AndFf) {
  EXPECT_THAT(feed(*make(), "\x00Hello\xff\x00\xff\x00\xe3\x81\x82\xff"s),
              ElementsAre("text Hello", "text ", "text \xe3\x81\x82"));
}

TEST_P(DraftFraming, TextMayContainNul) {
  EXPECT_THAT(feed(*make(), "\x00"s + "a\x00z\xff"s), ElementsAre("text a\x00z"s));
}

TEST_P(DraftFraming, TextArrivesInAnyPieces) {
  const std::string bytes = "\x00Hello\xff\x81\x03xyz\x05other\xff\x00"s + "world\xff"s;
  for (std::size_t piece = 1; piece < bytes.size(); ++piece)
    EXPECT_THAT(feed(*make(), bytes, piece), ElementsAre("text Hello", "text world")) << piece;
}

TEST_P(DraftFraming, InvalidUtf8BecomesReplacementCharacters) {
  EXPECT_THAT(feed(*make(), "\x00"s + "a\x80z\xc3\xff\x00ok\xff"s),
              ElementsAre("text a"s + replacement + "z" + replacement, "text ok"));
}

TEST_P(DraftFraming, TypesWithTheHighBitAreReadAndDiscarded) {
  EXPECT_THAT(feed(*make(),
                   "\x80\x05"
                   "12\xff\x00"
                   "5\x00Hi\xff\xfe\x01\x00\x00Ho\xff"s),
              ElementsAre("text Hi", "text Ho"));
}

TEST_P(DraftFraming, LengthsAreBigEndianInGroupsOfSevenBits) {
  EXPECT_THAT(feed(*make(), "\x80\x81\x02"s + std::string(130, '\x00') + "\x00Hi\xff"s),
              ElementsAre("text Hi"));
  EXPECT_THAT(feed(*make(20'000), "\x80\x81\x80\x01"s + std::string(16385, 'x') + "\x00Hi\xff"s),
              ElementsAre("text Hi"));
}

TEST_P(DraftFraming, OtherTypesOfTextAreReadAndDiscarded) {
  EXPECT_THAT(feed(*make(), "\x01one\xff\x7f\x00\x80\xff\x00Hi\xff"s), ElementsAre("text Hi"));
}

TEST_P(DraftFraming, TextOfTheLargestSizeIsTaken) {
  EXPECT_THAT(feed(*make(5),
                   "\x00"
                   "12345\xff"s),
              ElementsAre("text 12345"));
}

TEST_P(DraftFraming, LargerTextFailsAtItsFirstByteTooMany) {
  EXPECT_THAT(feed(*make(5),
                   "\x00"
                   "123456"s,
                   1),
              ElementsAre("failure 1009"));
  EXPECT_THAT(feed(*make(5),
                   "\x00"
                   "123456\xff"s),
              ElementsAre("failure 1009"));
}

TEST_P(DraftFraming, TextThatGrowsTooLargeByReplacementFails) {
  EXPECT_THAT(feed(*make(5),
                   "\x00"
                   "a\x80\x80\xff"s),
              ElementsAre("failure 1009"));
}

TEST_P(DraftFraming, DiscardedFramesAreBoundedLikeMessages) {
  EXPECT_THAT(feed(*make(5),
                   "\x01"
                   "123456"s,
                   1),
              ElementsAre("failure 1009"));
  EXPECT_THAT(feed(*make(5), "\x80\x06"s), ElementsAre("failure 1009"));
  EXPECT_THAT(feed(*make(5),
                   "\x80\x05"
                   "12345\x00ok\xff"s),
              ElementsAre("text ok"));
  EXPECT_THAT(feed(*make(0), "\x80\x01"s), ElementsAre("failure 1009"));
}

TEST_P(DraftFraming, LengthThatOverflowsFails) {
  constexpr std::size_t largest = std::numeric_limits<std::size_t>::max();  // 64 bits
  const std::string groups = std::string(8, '\xff') + "\x7f";
  EXPECT_THAT(feed(*make(largest), "\x80\x81" + groups), ElementsAre());
  EXPECT_THAT(feed(*make(largest), "\x80\x82" + groups), ElementsAre("failure 1009"));
}

TEST_P(DraftFraming, LengthWithoutEndFails) {
  EXPECT_THAT(feed(*make(), "\x80" + std::string(1000, '\x80')), ElementsAre("failure 1002"));
}

TEST_P(DraftFraming, NothingCountsAfterAFailure) {
  const auto draft = make(5);
  EXPECT_THAT(feed(*draft,
                   "\x00"
                   "123456\xff\x00ok\xff"s),
              ElementsAre("failure 1009"));
  EXPECT_THAT(feed(*draft, "\x00ok\xff"s), ElementsAre());
  EXPECT_FALSE(draft->in_message());
  EXPECT_LE(draft->failure().text.size(), max_close_reason);
}

TEST_P(DraftFraming, InMessageFromTheTypeToTheEnd) {
  const auto draft = make();
  EXPECT_FALSE(draft->in_message());
  for (const auto& [bytes, inside] :
       {std::pair("\x00"s, true), std::pair("Hi"s, true), std::pair("\xff"s, false),
        std::pair("\x80"s, true), std::pair("\x01"s, true), std::pair("x"s, false),
        std::pair("\x01"s, true), std::pair("\xff"s, false)}) {
    feed(*draft, bytes);
    EXPECT_EQ(draft->in_message(), inside);
  }
}

TEST_P(DraftFraming, SendsTextBetween00AndFf) {
  const auto draft = make();
  EXPECT_EQ(sent([&](Output& out) {
              draft->send_message(Message("Hello"), true, out);
              draft->send_message(Message(""), true, out);
            }),
            "\x00Hello\xff\x00\xff"s);
}

TEST_P(DraftFraming, SendsLargeTextUnchanged) {
  const auto draft = make();
  const std::string large(100'000, 'x');
  EXPECT_EQ(sent([&](Output& out) { draft->send_message(Message(large), true, out); }),
            "\x00"s + large + "\xff");
}

TEST_P(DraftFraming, SendsFragmentsAsOneFrame) {
  const auto draft = make();
  EXPECT_EQ(sent([&](Output& out) {
              draft->send_message(Message("a"), false, out);
              draft->send_message(Message("b"), false, out);
              draft->send_message(Message("c"), true, out);
              draft->send_message(Message("d"), true, out);
            }),
            "\x00"
            "abc\xff\x00"
            "d\xff"s);
}

TEST_P(DraftFraming, HasNeitherPingNorBinary) {
  const auto draft = make();
  EXPECT_FALSE(draft->has_ping());
  EXPECT_FALSE(draft->has_binary());
  EXPECT_EQ(sent([&](Output& out) {
              draft->send_ping("x", out);
              draft->send_pong("x", out);
            }),
            "");
}

// --- draft-75 alone ------------------------------------------------------------------------------

TEST(Draft75Framing, HasNoClosingHandshake) {
  const auto draft = make_draft75(limit);
  EXPECT_FALSE(draft->has_closing_handshake());
  EXPECT_THAT(feed(*draft, "\xff\x00\x00Hi\xff\xff\x01\xff\x00Ho\xff"s),
              ElementsAre("text Hi", "text Ho"));
  EXPECT_EQ(sent([&](Output& out) { draft->send_close(Close(1000), out); }), "");
}

}  // namespace
}  // namespace cppwebsocket::protocol
