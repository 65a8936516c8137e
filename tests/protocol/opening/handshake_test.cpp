#include "protocol/opening/handshake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "httpd/request/apr_digest.hpp"
#include "protocol/support/request_head.hpp"

namespace cppwebsocket::protocol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::RequestHead;
using testing::to_text;

using Lines = std::vector<std::pair<std::string, std::string>>;

// RFC 6455 §1.2 and §1.3.
const Lines sample = {
    {"Host", "server.example.com"},   {"Upgrade", "websocket"},
    {"Connection", "Upgrade"},        {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
    {"Origin", "http://example.com"}, {"Sec-WebSocket-Protocol", "chat, superchat"},
    {"Sec-WebSocket-Version", "13"}};

std::string head(const Lines& lines, const std::string& start = "GET /chat HTTP/1.1") {
  std::string text = start + "\r\n";
  for (const auto& [name, value] : lines) text += name + ": " + value + "\r\n";
  return text + "\r\n";
}

Lines without(std::string_view name) {
  Lines lines = sample;
  std::erase_if(lines, [name](const auto& line) { return line.first == name; });
  return lines;
}

// The sample with a field replaced, or added if there was none.
Lines with(const std::string& name, const std::string& value) {
  Lines lines = sample;
  for (auto& line : lines)
    if (line.first == name) {
      line.second = value;
      return lines;
    }
  lines.emplace_back(name, value);
  return lines;
}

Lines with_also(const std::string& name, const std::string& value) {
  Lines lines = sample;
  lines.emplace_back(name, value);
  return lines;
}

// Keeps what the Opening refers to.
struct Outcome {
  explicit Outcome(const std::string& text, bool legacy = false, bool secure = false) : head(text) {
    head.request().secure = secure;
    result = parse_opening(head.request(), legacy);
  }
  bool accepted() const { return std::holds_alternative<Opening>(result); }
  const Opening& opening() const { return std::get<Opening>(result); }
  const Refusal& refusal() const { return std::get<Refusal>(result); }
  int status() const { return accepted() ? 101 : refusal().status; }

  RequestHead head;
  std::variant<Opening, Refusal> result;
};

std::string value_of(const Refusal& refusal, std::string_view name) {
  for (const auto& header : refusal.headers)
    if (header.first == name) return header.second;
  return "";
}

// --- RFC 6455 §4.2.1: what the client must send ------------------------------------------------

TEST(OpeningRfc6455, AcceptsTheSampleOfSection1_2) {
  const Outcome outcome(head(sample));
  ASSERT_TRUE(outcome.accepted()) << outcome.refusal().text;
  const Opening& opening = outcome.opening();
  EXPECT_EQ(opening.version, Version::rfc6455);
  EXPECT_EQ(opening.key, "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_EQ(opening.host, "server.example.com");
  EXPECT_EQ(opening.origin, "http://example.com");
  EXPECT_THAT(opening.protocols, ElementsAre("chat", "superchat"));
  EXPECT_TRUE(opening.extensions.empty());
  EXPECT_EQ(opening.location, "ws://server.example.com/chat");
  EXPECT_FALSE(opening.needs_key3);
}

struct Case {
  const char* name;
  Lines lines;
  const char* start = "GET /chat HTTP/1.1";
};

class OpeningAccepts : public ::testing::TestWithParam<Case> {};

TEST_P(OpeningAccepts, Request) {
  const Outcome outcome(head(GetParam().lines, GetParam().start));
  EXPECT_TRUE(outcome.accepted()) << outcome.refusal().text;
}

INSTANTIATE_TEST_SUITE_P(
    Rfc6455, OpeningAccepts,
    ::testing::ValuesIn(std::vector<Case>{
        {"UpgradeInAnyCase", with("Upgrade", "WebSocket")},
        {"UpgradeAmongOthers", with("Upgrade", "h2c, websocket")},
        {"UpgradeInASecondField",
         {{"Upgrade", "h2c"},
          {"Host", "a"},
          {"Upgrade", "websocket"},
          {"Connection", "Upgrade"},
          {"Sec-WebSocket-Version", "13"},
          {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}}},
        {"ConnectionInAnyCase", with("Connection", "uPGRADE")},
        {"ConnectionAmongOthers", with("Connection", "keep-alive, Upgrade")},
        {"ConnectionInASecondField", with_also("Connection", "keep-alive")},
        {"FieldNamesInAnyCase",
         {{"HOST", "a"},
          {"upgrade", "websocket"},
          {"CONNECTION", "upgrade"},
          {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
          {"SEC-WEBSOCKET-VERSION", "13"}}},
        {"NoOrigin", without("Origin")},
        {"OpaqueOrigin", with("Origin", "null")},
        {"NoSubprotocol", without("Sec-WebSocket-Protocol")},
        {"EmptyListElements", with("Sec-WebSocket-Protocol", ", chat,,superchat ,")},
        {"EmptySubprotocol", with("Sec-WebSocket-Protocol", "")},  // tcllib's, always
        {"OnlyCommasAsSubprotocol", with("Sec-WebSocket-Protocol", ", ,")},
        {"EmptyExtensions", with("Sec-WebSocket-Extensions", "")},
        {"OnlyCommasAsExtensions", with("Sec-WebSocket-Extensions", ", ,")},
        {"KeyWithSpacesAround", with("Sec-WebSocket-Key", "  dGhlIHNhbXBsZSBub25jZQ== ")},
        {"HostWithPort", with("Host", "example.com:8080")},
        {"HostIpv6", with("Host", "[::1]:8080")},
        {"HostIpv4", with("Host", "127.0.0.1")},
        {"ContentLengthZero", with("Content-Length", "0")},
        {"TargetWithQuery", sample, "GET /chat?a=b/c&d=%20 HTTP/1.1"},
        {"AbsoluteTarget", sample, "GET http://server.example.com/chat HTTP/1.1"},
        {"UnknownExtension", with("Sec-WebSocket-Extensions", "x-unknown; a=1")}}),
    [](const auto& info) { return info.param.name; });

struct BadCase {
  const char* name;
  Lines lines;
  const char* names;  // what the text must name
  int status = 400;
  const char* start = "GET /chat HTTP/1.1";
};

class OpeningRefuses : public ::testing::TestWithParam<BadCase> {};

TEST_P(OpeningRefuses, Request) {
  const Outcome outcome(head(GetParam().lines, GetParam().start));
  ASSERT_FALSE(outcome.accepted());
  EXPECT_EQ(outcome.status(), GetParam().status);
  EXPECT_THAT(outcome.refusal().text, HasSubstr(GetParam().names));
  EXPECT_EQ(outcome.refusal().text.back(), '.');
}

INSTANTIATE_TEST_SUITE_P(
    Rfc6455Section4_2_1, OpeningRefuses,
    ::testing::ValuesIn(std::vector<BadCase>{
        {"Post", sample, "method", 400, "POST /chat HTTP/1.1"},
        {"MethodInLowerCase", sample, "method", 400, "get /chat HTTP/1.1"},
        {"Http10", sample, "HTTP/1.1", 505, "GET /chat HTTP/1.0"},
        {"EmptyTarget", sample, "target", 400, "GET  HTTP/1.1"},
        {"AsteriskTarget", sample, "target", 400, "GET * HTTP/1.1"},
        {"TargetWithFragment", sample, "target", 400, "GET /chat#top HTTP/1.1"},
        {"TargetOfAnotherScheme", sample, "target", 400, "GET ftp://a/chat HTTP/1.1"},
        {"TargetWithUser", sample, "target", 400, "GET http://u@a/chat HTTP/1.1"},
        {"TargetWithLineFeed", sample, "target", 400, "GET /chat\nX:1 HTTP/1.1"},
        {"NoHost", without("Host"), "Host"},
        {"EmptyHost", with("Host", ""), "Host"},
        {"TwoHosts", with_also("Host", "server.example.com"), "Host"},
        {"TwoHostsJoined", with("Host", "a.example, b.example"), "Host"},
        {"HostWithPath", with("Host", "example.com/x"), "Host"},
        {"HostWithUser", with("Host", "user@example.com"), "Host"},
        {"HostWithPortOutOfRange", with("Host", "example.com:65536"), "Host"},
        {"HostWithLineFeed", with("Host", "a\nX: 1"), "Host"},
        {"NoUpgrade", without("Upgrade"), "Upgrade"},
        {"AnotherUpgrade", with("Upgrade", "h2c"), "Upgrade"},
        {"UpgradeThatOnlyContainsIt", with("Upgrade", "websocketx"), "Upgrade"},
        {"UpgradeWithProtocolVersion", with("Upgrade", "websocket/13"), "Upgrade"},
        {"NoConnection", without("Connection"), "Connection"},
        {"ConnectionKeepAlive", with("Connection", "keep-alive"), "Connection"},
        {"ConnectionThatOnlyContainsIt", with("Connection", "Upgraded"), "Connection"},
        {"NoKey", without("Sec-WebSocket-Key"), "Sec-WebSocket-Key"},
        {"EmptyKey", with("Sec-WebSocket-Key", ""), "Sec-WebSocket-Key"},
        {"TwoKeys", with_also("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
         "Sec-WebSocket-Key"},
        {"TwoKeysJoined",
         with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="),
         "Sec-WebSocket-Key"},
        {"KeyOf15Bytes", with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j"), "Sec-WebSocket-Key"},
        {"KeyOf17Bytes", with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZSE="),
         "Sec-WebSocket-Key"},
        {"KeyOf18Bytes", with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZSEh"),
         "Sec-WebSocket-Key"},
        {"KeyWithoutPadding", with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ"),
         "Sec-WebSocket-Key"},
        {"KeyNotCanonical", with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZR=="),
         "Sec-WebSocket-Key"},
        {"KeyInUrlAlphabet", with("Sec-WebSocket-Key", "-_hlIHNhbXBsZSBub25jZQ=="),
         "Sec-WebSocket-Key"},
        {"KeyWithSpaceInside", with("Sec-WebSocket-Key", "dGhlIHNhbXB ZSBub25jZQ=="),
         "Sec-WebSocket-Key"},
        {"NoVersion", without("Sec-WebSocket-Version"), "Sec-WebSocket-Version"},
        {"EmptyVersion", with("Sec-WebSocket-Version", ""), "Sec-WebSocket-Version"},
        {"TwoVersions", with_also("Sec-WebSocket-Version", "13"), "Sec-WebSocket-Version"},
        {"TwoVersionsJoined", with("Sec-WebSocket-Version", "13, 8"), "Sec-WebSocket-Version"},
        {"VersionWithLeadingZero", with("Sec-WebSocket-Version", "013"), "Sec-WebSocket-Version"},
        {"VersionWithFraction", with("Sec-WebSocket-Version", "13.0"), "Sec-WebSocket-Version"},
        {"VersionAbove255", with("Sec-WebSocket-Version", "256"), "Sec-WebSocket-Version"},
        {"NegativeVersion", with("Sec-WebSocket-Version", "-13"), "Sec-WebSocket-Version"},
        {"VersionInWords", with("Sec-WebSocket-Version", "thirteen"), "Sec-WebSocket-Version"},
        {"SubprotocolWithSpace", with("Sec-WebSocket-Protocol", "chat two"),
         "Sec-WebSocket-Protocol"},
        {"SubprotocolWithSlash", with("Sec-WebSocket-Protocol", "http://a/chat"),
         "Sec-WebSocket-Protocol"},
        {"SubprotocolNotAscii", with("Sec-WebSocket-Protocol", "ch\xc3\xa4t"),
         "Sec-WebSocket-Protocol"},
        {"SubprotocolTwice", with("Sec-WebSocket-Protocol", "chat, superchat, chat"), "twice"},
        {"SubprotocolTwiceApart", with_also("Sec-WebSocket-Protocol", "chat"), "twice"},
        {"BrokenExtensions", with("Sec-WebSocket-Extensions", "permessage-deflate; ="),
         "Sec-WebSocket-Extensions"},
        {"Body", with("Content-Length", "8"), "Content-Length"},
        {"BodyOfUnknownLength", with("Transfer-Encoding", "chunked"), "Transfer-Encoding"},
        {"BodyLengthNotANumber", with("Content-Length", ""), "Content-Length"},
        {"TwoOrigins", with_also("Origin", "http://example.com"), "Origin"},
        {"TwoOriginsJoined", with("Origin", "http://a.example, http://b.example"), "Origin"},
        {"OriginWithLineFeed", with("Origin", "http://a\nX: 1"), "Origin"}}),
    [](const auto& info) { return info.param.name; });

TEST(OpeningRfc6455, SubprotocolsOfSeveralFieldsAreOneListInOrder) {
  const Outcome outcome(head(with_also("Sec-WebSocket-Protocol", "third , fourth")));
  ASSERT_TRUE(outcome.accepted());
  EXPECT_THAT(outcome.opening().protocols, ElementsAre("chat", "superchat", "third", "fourth"));
}

TEST(OpeningRfc6455, SubprotocolsDifferByCase) {
  const Outcome outcome(head(with("Sec-WebSocket-Protocol", "chat, Chat")));
  ASSERT_TRUE(outcome.accepted());
  EXPECT_THAT(outcome.opening().protocols, ElementsAre("chat", "Chat"));
}

TEST(OpeningRfc6455, ExtensionsOfSeveralFieldsAreOneListInOrder) {
  Lines lines = with("Sec-WebSocket-Extensions", "a; x=1, b");
  lines.emplace_back("Sec-WebSocket-Extensions", "c");
  const Outcome outcome(head(lines));
  ASSERT_TRUE(outcome.accepted());
  ASSERT_EQ(outcome.opening().extensions.size(), 3u);
  EXPECT_EQ(outcome.opening().extensions[0].parameters.at(0).value, "1");
  EXPECT_EQ(outcome.opening().extensions[1].name, "b");
  EXPECT_EQ(outcome.opening().extensions[2].name, "c");
}

TEST(OpeningRfc6455, AbsentOriginIsNotAnEmptyOne) {
  EXPECT_EQ(Outcome(head(without("Origin"))).opening().origin, std::nullopt);
  EXPECT_EQ(Outcome(head(with("Origin", ""))).opening().origin, "");
}

TEST(OpeningRfc6455, ManySubprotocolsAreCheckedForDuplicatesInReasonableTime) {
  std::string list;
  for (int i = 0; i < 100'000; ++i) list += "p" + std::to_string(i) + ",";
  EXPECT_EQ(Outcome(head(with("Sec-WebSocket-Protocol", list))).status(), 101);
  EXPECT_EQ(Outcome(head(with("Sec-WebSocket-Protocol", list + "p0"))).status(), 400);
}

TEST(OpeningRfc6455, DraftKeysBesideAVersionDoNotMatter) {
  const Outcome outcome(head(with("Sec-WebSocket-Key1", "1 2")), true);
  ASSERT_TRUE(outcome.accepted());
  EXPECT_EQ(outcome.opening().version, Version::rfc6455);
}

// --- RFC 6455 §3: the location -------------------------------------------------------------------

TEST(OpeningLocation, NamesSchemeHostAndTarget) {
  EXPECT_EQ(Outcome(head(with("Host", "a:8080"), "GET /b/c?d=e HTTP/1.1")).opening().location,
            "ws://a:8080/b/c?d=e");
  EXPECT_EQ(Outcome(head(with("Host", "[::1]")), false, true).opening().location,
            "wss://[::1]/chat");
}

TEST(OpeningLocation, TakesTheHostOfAnAbsoluteTarget) {  // RFC 9112 §3.2.2
  const Outcome outcome(head(sample, "GET HTTP://b.example:81/x?y HTTP/1.1"));
  EXPECT_EQ(outcome.opening().location, "ws://b.example:81/x?y");
  EXPECT_EQ(outcome.opening().host, "b.example:81");
}

TEST(OpeningLocation, HasAPathEvenIfTheAbsoluteTargetHasNone) {
  EXPECT_EQ(Outcome(head(sample, "GET http://b.example HTTP/1.1")).opening().location,
            "ws://b.example/");
  EXPECT_EQ(Outcome(head(sample, "GET http://b.example?y HTTP/1.1")).opening().location,
            "ws://b.example/?y");
}

// --- RFC 6455 §4.4: versions
// ----------------------------------------------------------------------

TEST(OpeningVersion, AnotherVersionIsToldWhichOneWeSpeak) {
  for (const char* version : {"0", "7", "8", "12", "14", "99", "100", "255"}) {
    const Outcome outcome(head(with("Sec-WebSocket-Version", version)));
    EXPECT_EQ(outcome.status(), 426) << version;
    EXPECT_EQ(value_of(outcome.refusal(), "Sec-WebSocket-Version"), "13");
    EXPECT_EQ(value_of(outcome.refusal(), "Upgrade"), "websocket");
    EXPECT_EQ(value_of(outcome.refusal(), "Connection"), "Upgrade");
    EXPECT_THAT(outcome.refusal().text, HasSubstr("Sec-WebSocket-Version"));
  }
}

TEST(OpeningVersion, AnotherVersionIsToldSoEvenWithoutAKey) {
  Lines lines = without("Sec-WebSocket-Key");
  lines.back().second = "14";
  EXPECT_EQ(Outcome(head(lines)).status(), 426);
}

TEST(OpeningVersion, MissingOrMalformedVersionIsToldWhichOneWeSpeak) {
  for (const Lines& lines :
       {without("Sec-WebSocket-Version"), with("Sec-WebSocket-Version", "thirteen")}) {
    const Outcome outcome(head(lines));
    EXPECT_EQ(outcome.status(), 400);
    EXPECT_EQ(value_of(outcome.refusal(), "Sec-WebSocket-Version"), "13");
  }
}

TEST(OpeningVersion, DraftsAreRefusedUnlessAllowed) {
  const Lines draft75 = {{"Upgrade", "WebSocket"},
                         {"Connection", "Upgrade"},
                         {"Host", "example.com"},
                         {"Origin", "http://example.com"}};
  Lines draft76 = draft75;
  draft76.emplace_back("Sec-WebSocket-Key1", "4 @1  46546xW%0l 1 5");
  draft76.emplace_back("Sec-WebSocket-Key2", "12998 5 Y3 1  .P00");
  for (const Lines& lines : {draft75, draft76}) {
    const Outcome refused(head(lines));
    EXPECT_EQ(refused.status(), 426);
    EXPECT_EQ(value_of(refused.refusal(), "Sec-WebSocket-Version"), "13");
    EXPECT_THAT(refused.refusal().text, HasSubstr("WebSocketLegacyProtocols"));
    EXPECT_TRUE(Outcome(head(lines), true).accepted());
  }
}

// --- RFC 6455 §4.2.2: the answer --------------------------------------------------------------

TEST(OpeningAnswer, AcceptsTheKeyOfSection1_3) {
  const Outcome outcome(head(sample));
  EXPECT_EQ(to_text(complete_opening(outcome.opening(), "chat", "", "", httpd::apr_digest)),
            "HTTP/1.1 101 Switching Protocols\r\n"
            "Upgrade: websocket\r\n"
            "Connection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Sec-WebSocket-Protocol: chat\r\n"
            "\r\n");
}

TEST(OpeningAnswer, LeavesOutWhatWasNotAgreedOn) {
  const Outcome outcome(head(sample));
  const auto answer = complete_opening(outcome.opening(), "", "", "", httpd::apr_digest);
  EXPECT_EQ(answer.headers.size(), 3u);
  EXPECT_EQ(answer.body, "");
}

TEST(OpeningAnswer, NamesTheExtensions) {
  const Outcome outcome(head(sample));
  const auto answer =
      complete_opening(outcome.opening(), "", "permessage-deflate", "", httpd::apr_digest);
  EXPECT_EQ(answer.headers.back(),
            std::pair(std::string("Sec-WebSocket-Extensions"), std::string("permessage-deflate")));
}

// --- is it for us at all? --------------------------------------------------------------------

TEST(WantsWebSocket, OnlyWithAnUpgradeThatNamesIt) {
  EXPECT_TRUE(wants_websocket(RequestHead(head(sample)).request()));
  EXPECT_TRUE(wants_websocket(RequestHead(head({{"upgrade", "foo, WebSocket"}})).request()));
  EXPECT_TRUE(
      wants_websocket(RequestHead(head({{"Upgrade", "WebSocket"}}, "POST / HTTP/1.1")).request()));
  EXPECT_FALSE(wants_websocket(RequestHead(head(without("Upgrade"))).request()));
  EXPECT_FALSE(wants_websocket(RequestHead(head({{"Upgrade", "h2c"}})).request()));
  EXPECT_FALSE(wants_websocket(RequestHead(head({{"Upgrade", "web socket"}})).request()));
}

// --- RFC 9110 §5.6.1: lists ---------------------------------------------------------------------

TEST(SplitList, TrimsElementsAndLeavesOutEmptyOnes) {
  EXPECT_THAT(split_list("a, b\t,c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split_list(" ,a b,, ,c"), ElementsAre("a b", "c"));
  EXPECT_THAT(split_list(""), ElementsAre());
  EXPECT_THAT(split_list(" , "), ElementsAre());
}

}  // namespace
}  // namespace cppwebsocket::protocol
