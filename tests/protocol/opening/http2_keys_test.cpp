// The keys of WebSockets in what an HTTP/2 client sends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/opening/handshake.hpp"
#include "protocol/opening/http2_keys.hpp"
#include "protocol/support/plain_headers.hpp"

namespace cppwebsocket::protocol {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
const std::string asks = ":method=CONNECT\n:protocol=websocket\nsec-websocket-key=" + key + "\n";

// RFC 9113 §4.1.
std::string frame(int type, int flags, std::uint32_t stream, const std::string& payload) {
  std::string bytes;
  for (const int shift : {16, 8, 0}) bytes += static_cast<char>(payload.size() >> shift);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(stream >> shift);
  return bytes + payload;
}
constexpr int data = 0, headers = 1, settings = 4, continuation = 9;
constexpr int end_stream = 1, end_headers = 4, padded = 8, priority = 0x20;

struct Seen {
  std::vector<std::string> keys;  // "stream key"
  std::size_t blocks = 0;
  bool ok = true;
};

Seen read(const std::string& bytes, std::size_t piece = std::string::npos) {
  Seen seen;
  test::PlainHeaders decoder;
  Http2Keys keys(decoder, [&seen](std::uint32_t stream, std::string_view found) {
    seen.keys.push_back(std::to_string(stream) + " " + std::string(found));
  });
  for (std::size_t at = 0; at < bytes.size() && seen.ok; at += std::min(piece, bytes.size()))
    seen.ok = keys.read(std::string_view(bytes).substr(at, piece));
  seen.blocks = decoder.blocks;
  return seen;
}

TEST(Http2Keys, AreFoundBetweenOtherFrames) {
  const std::string bytes =
      preface + frame(settings, 0, 0, std::string(42, '\4')) +
      frame(headers, end_headers | end_stream, 1, ":method=GET\n") +
      frame(headers, end_headers, 3, asks) + frame(data, 0, 3, std::string(100'000, 'x')) +
      frame(headers, end_headers, 0x80000005u, asks);  // the first bit is reserved
  for (const std::size_t piece : {std::string::npos, std::size_t{1}, std::size_t{7}}) {
    const Seen seen = read(bytes, piece);
    EXPECT_TRUE(seen.ok);
    EXPECT_THAT(seen.keys, ElementsAre("3 " + key, "5 " + key));
    EXPECT_EQ(seen.blocks, 3u);
  }
}

TEST(Http2Keys, PaddingPriorityAndContinuationsAreNoFields) {
  const std::string half = asks.substr(0, 30), rest = asks.substr(30);
  for (const std::string& frames :
       {frame(headers, end_headers | padded, 1, "\3"s + asks + "\n!\n"),
        frame(headers, end_headers | priority, 1, "\n!\n!\n" + asks),
        frame(headers, end_headers | padded | priority, 1, "\2\n!\n!\n" + asks + "!\n"),
        frame(headers, 0, 1, half) + frame(continuation, end_headers, 1, rest),
        frame(headers, padded, 1, "\2"s + "!\n") + frame(continuation, 0, 1, "") +
            frame(continuation, end_headers, 1, asks),
        frame(headers, 0, 1, asks) + frame(continuation, end_headers, 1, "")})
    for (const std::size_t piece : {std::string::npos, std::size_t{1}}) {
      const Seen seen = read(preface + frames + frame(headers, end_headers, 3, asks), piece);
      EXPECT_TRUE(seen.ok);
      EXPECT_THAT(seen.keys, ElementsAre("1 " + key, "3 " + key));
    }
}

TEST(Http2Keys, AreThoseOfWebSocketsOnlyAndOfTheRightForm) {
  const std::string bytes =
      preface + frame(headers, end_headers, 1, "sec-websocket-key=" + key + "\n") +
      frame(headers, end_headers, 3, ":protocol=websocket\n") +
      frame(headers, end_headers, 5, ":protocol=other\nsec-websocket-key=" + key + "\n") +
      frame(headers, end_headers, 7, ":protocol=websocket\nsec-websocket-key=short\n");
  const Seen seen = read(bytes);
  EXPECT_TRUE(seen.ok);
  EXPECT_THAT(seen.keys, IsEmpty());
}

TEST(Http2Keys, WhatIsNoHttp2OrBrokenIsNotReadOn) {
  EXPECT_FALSE(read("GET / HTTP/1.1\r\n").ok);
  EXPECT_FALSE(read(preface.substr(0, 20) + "xxxx").ok);
  EXPECT_FALSE(read(preface + frame(headers, end_headers, 1, "!\n")).ok);
  EXPECT_FALSE(read(preface + frame(headers, end_headers | padded, 1, "")).ok);
  EXPECT_FALSE(read(preface + frame(headers, end_headers | padded, 1, "\4abc")).ok);
  EXPECT_FALSE(read(preface + frame(headers, end_headers | priority, 1, "abcd")).ok);
}

TEST(Http2Answer, KeepsTheAcceptAndNoUpgrade) {
  OpeningResponse response{"101 Switching Protocols",
                           {{"Upgrade", "websocket"},
                            {"Connection", "Upgrade"},
                            {"Sec-WebSocket-Accept", "x"},
                            {"Sec-WebSocket-Protocol", "chat"}},
                           {}};
  put_on_http2(response);
  EXPECT_EQ(response.status_line, "200 OK");
  EXPECT_THAT(response.headers, ElementsAre(std::pair("Sec-WebSocket-Accept", "x"),
                                            std::pair("Sec-WebSocket-Protocol", "chat")));
}

}  // namespace
}  // namespace cppwebsocket::protocol
