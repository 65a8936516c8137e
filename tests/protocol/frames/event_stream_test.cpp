// Server-Sent Events: what is written, and what a browser reads of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/frames/event_stream.hpp"
#include "protocol/base64.hpp"
#include "protocol/support/draft_feed.hpp"
#include "protocol/support/event_reader.hpp"

namespace cppwebsocket::protocol {
namespace {

using namespace std::string_literals;
using test::read_events;
using test::SeenEvent;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::sent;

TEST(EventStream, AMessageIsAnEventOfTheDefaultName) {
  EXPECT_EQ(encode_event("", Message("Hello")), "data: Hello\n\n");
  EXPECT_EQ(encode_event("5f-3", Message("Hello")), "id: 5f-3\ndata: Hello\n\n");
  EXPECT_EQ(encode_event("5f-3", "joined", "{}"), "id: 5f-3\nevent: joined\ndata: {}\n\n");
}

TEST(EventStream, EachLineOfATextIsAFieldOfItsOwn) {
  EXPECT_EQ(encode_event("", Message("a\nb")), "data: a\ndata: b\n\n");
  for (const auto& [text, seen] :
       {std::pair("a\nb"s, "a\nb"s), std::pair("a\r\nb"s, "a\nb"s), std::pair("a\rb"s, "a\nb"s),
        std::pair("\n"s, "\n"s), std::pair("\r\n"s, "\n"s), std::pair("\n\r"s, "\n\n"s),
        std::pair("a\n\n\nb\n"s, "a\n\n\nb\n"s), std::pair(""s, ""s), std::pair(" a"s, " a"s),
        std::pair("data: x\nid: 7\nretry: 1"s, "data: x\nid: 7\nretry: 1"s),
        std::pair(": no comment"s, ": no comment"s), std::pair("もも\nもも"s, "もも\nもも"s),
        std::pair("a\0b"s, "a\0b"s)})
    EXPECT_THAT(read_events(encode_event("1-1", Message(text))),
                ElementsAre(SeenEvent{"1-1", "message", seen}));
}

TEST(EventStream, BinaryMessagesGoInBase64UnderANameOfTheirOwn) {
  EXPECT_EQ(encode_event("1-1", Message::binary("\0\xff\n"s)),
            "id: 1-1\nevent: binary\ndata: AP8K\n\n");
  EXPECT_THAT(read_events(encode_event("", Message::binary(""s))),
              ElementsAre(SeenEvent{"", "binary", ""}));
}

// Some clients take each empty line for an event.
TEST(EventStream, OnlyEventsHaveAnEmptyLine) {
  EXPECT_EQ(encode_retry(std::chrono::seconds(2)), "retry: 2000\n");
  EXPECT_EQ(sent([](Output& out) { make_event_stream()->send_ping("", out); }), ":\n");
}

TEST(EventStream, RetryIsInMilliseconds) {
  test::EventReader reader;
  reader.feed(encode_retry(std::chrono::seconds(2)));
  EXPECT_EQ(reader.retry, "2000");
  EXPECT_THAT(reader.events, IsEmpty());
}

TEST(EventStream, WhatIsSentByTheProtocolIsTheSameWithoutIds) {
  const auto stream = make_event_stream();
  EXPECT_EQ(sent([&](Output& out) {
              stream->send_message(Message("Hello"), true, out);
              stream->send_message(Message::binary("\x01"s), true, out);
            }),
            "data: Hello\n\nevent: binary\ndata: AQ==\n\n");
  const std::string large(100'000, 'x');
  EXPECT_EQ(sent([&](Output& out) { stream->send_message(Message(large), true, out); }),
            "data: " + large + "\n\n");
}

TEST(EventStream, FragmentsAreGathered) {
  const auto stream = make_event_stream();
  EXPECT_EQ(sent([&](Output& out) { stream->send_message(Message("a\r"), false, out); }), "");
  EXPECT_EQ(sent([&](Output& out) {
              stream->send_message(Message("\nb"), false, out);
              stream->send_message(Message("c"), true, out);
              stream->send_message(Message("d"), true, out);
            }),
            "data: a\ndata: bc\n\ndata: d\n\n");
}

TEST(EventStream, EncodedEventsGoAsTheyAre) {
  const auto stream = make_event_stream(EventForm::encoded);
  const std::string event = encode_event("5f-3", "gap", "{}");
  EXPECT_EQ(sent([&](Output& out) {
              stream->send_message(Message(event.substr(0, 5)), false, out);
              stream->send_message(Message(event.substr(5)), true, out);
            }),
            event);
}

TEST(EventStream, WhatIsSharedHasItsPositionAsId) {
  const auto stream = make_event_stream();
  std::string out;
  EXPECT_TRUE(stream->encode_shared(Message("a"), {0x5f, 3}, out));
  EXPECT_TRUE(stream->encode_shared(Message("b"), {}, out));
  EXPECT_TRUE(stream->encode_shared(Message::binary("c"), {0x5f, 4}, out));
  EXPECT_EQ(out, "id: 5f-3\ndata: a\n\ndata: b\n\nid: 5f-4\nevent: binary\ndata: Yw==\n\n");
}

TEST(EventStream, WhatIsNoMessageHasAName) {
  const auto stream = make_event_stream();
  std::string out;
  EXPECT_TRUE(stream->has_names());
  EXPECT_FALSE(make_rfc6455(100, nullptr)->has_names());
  stream->encode_named("subscribed", "{}", {0x5f, 0}, {}, out);
  stream->encode_named("gap", "news", {}, {}, out);
  EXPECT_EQ(out, "id: 5f-0\nevent: subscribed\ndata: {}\n\nevent: gap\ndata: news\n\n");
}

TEST(EventStream, InChunksEachEventIsOne) {  // RFC 9112 §7.1
  EXPECT_EQ(framed(Framing::bare, "retry: 1\n"), "retry: 1\n");
  EXPECT_EQ(framed(Framing::chunked, "retry: 1\n"), "9\r\nretry: 1\n\r\n");
  EXPECT_EQ(framed(Framing::chunked, std::string(300, 'x')),
            "12c\r\n" + std::string(300, 'x') + "\r\n");
  const auto stream = make_event_stream(EventForm::plain, Framing::chunked);
  EXPECT_EQ(sent([&](Output& out) {
              stream->send_message(Message("a"), true, out);
              stream->send_message(Message("b"), false, out);
              stream->send_message(Message("c"), true, out);
              stream->send_ping("", out);
            }),
            "9\r\ndata: a\n\n\r\n"
            "a\r\ndata: bc\n\n\r\n"
            "2\r\n:\n\r\n");
  std::string out;
  stream->encode_shared(Message("d"), {0x5f, 3}, out);
  stream->encode_named("gap", "e", {}, {}, out);
  EXPECT_EQ(out,
            "12\r\nid: 5f-3\ndata: d\n\n\r\n"
            "14\r\nevent: gap\ndata: e\n\n\r\n");
  EXPECT_NE(stream->wire_format(), make_event_stream()->wire_format());
}

// An empty chunk is the last one.
TEST(EventStream, NothingMakesTheLastChunk) {
  const auto stream = make_event_stream(EventForm::encoded, Framing::chunked);
  EXPECT_EQ(sent([&](Output& out) {
              stream->send_message(Message(""), false, out);
              stream->send_message(Message("data: a\n"), false, out);
              stream->send_message(Message("\n"), true, out);
              stream->send_close(Close(1001, "bye"), out);
            }),
            "8\r\ndata: a\n\r\n"
            "1\r\n\n\r\n");
}

TEST(EventStream, PingsAreCommentsAndNobodyAnswersThem) {
  const auto stream = make_event_stream();
  test::EventReader reader;
  reader.feed(sent([&](Output& out) { stream->send_ping("", out); }));
  EXPECT_EQ(reader.comments, 1u);
  EXPECT_THAT(reader.events, IsEmpty());
  EXPECT_TRUE(stream->has_ping());
  EXPECT_FALSE(stream->has_pong());
}

TEST(EventStream, InputMeansNothing) {
  const auto stream = make_event_stream();
  std::string input = "GET / HTTP/1.1\r\n\r\n\x81\x80";
  std::span<char> rest(input);
  EXPECT_EQ(stream->receive(rest), Event::none);
  EXPECT_TRUE(rest.empty());
  EXPECT_FALSE(stream->in_message());
}

TEST(EventStream, EndsWithoutAWord) {
  const auto stream = make_event_stream();
  EXPECT_FALSE(stream->has_closing_handshake());
  EXPECT_EQ(sent([&](Output& out) {
              stream->send_close(Close(1001, "bye"), out);
              stream->send_pong("", out);
            }),
            "");
}

TEST(Base64, HasTheValuesOfTheRfc) {  // RFC 4648 §10
  const auto encoded = [](std::string_view bytes) {
    std::string text = "=";
    append_base64(text, bytes);
    return text.substr(1);
  };
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foob"), "Zm9vYg==");
  EXPECT_EQ(encoded("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encoded("\xfb\xff\xbf"), "+/+/");
}

}  // namespace
}  // namespace cppwebsocket::protocol
