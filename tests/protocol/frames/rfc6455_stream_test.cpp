// TCP keeps no borders: however a byte stream is cut, the same comes of it, also in fragments.
#include <gtest/gtest.h>

#include "protocol/frames/deflate.hpp"
#include "protocol/support/wire.hpp"

namespace cppwebsocket::protocol::test {
namespace {

using Events = std::vector<std::string>;

struct Stream {
  const char* name;
  std::string bytes;
};

const std::string long_text = [] {
  std::string text;
  for (int i = 0; i < 20; ++i) text += "fast and 速い, 😀 ";
  return text;
}();

// §7.2.3.1 of RFC 7692: "Hello", compressed.
const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;

std::vector<Stream> streams() {
  return {
      {"one text", text_frame("Hello")},
      {"empty ones", text_frame("") + binary_frame("") + client_frame(0x89, "") + text_frame("")},
      {"a 16-bit length", text_frame(long_text) + binary_frame(long_text)},
      {"a 64-bit length that is too long",
       client_header(0x82, 127, big_endian(1 << 20, 8)) + "abc"},
      {"fragments and control frames", client_frame(0x01, "\xe3") + client_frame(0x89, "ping") +
                                           client_frame(0x00, "") + client_frame(0x00, "\x81") +
                                           client_frame(0x8a, "") + client_frame(0x80, "\x82 end") +
                                           binary_frame("next")},
      {"a bad byte in a text",
       client_frame(0x01, "fine") + client_frame(0x80, "then \xed\xa0\x80 bad")},
      {"a text that does not end", text_frame("\xf0\x9f\x98") + text_frame("more")},
      {"an unmasked frame", text_frame("a") + "\x81\x05Hello"},
      {"a length that is not minimal", client_header(0x82, 126, big_endian(5, 2)) + "abcde"},
      {"a close, and what follows",
       text_frame("a") + close_frame(3000, "reason") + text_frame("b")},
      {"a bad close", close_frame(1005, "reason")},
      {"too much in fragments", client_frame(0x01, std::string(300, 'a')) +
                                    client_frame(0x00, std::string(300, 'b')) +
                                    client_frame(0x80, "c")},
      {"compressed", client_frame(0xc1, hello) + client_frame(0x41, hello.substr(0, 3)) +
                         client_frame(0x89, "") + client_frame(0x80, hello.substr(3)) +
                         client_frame(0xc2, "\x00"s) + text_frame("plain")},
      {"compressed and corrupt", client_frame(0xc1, hello) + client_frame(0xc1, "\xff\xff\xff")},
  };
}

class Feed {
 public:
  explicit Feed(bool in_fragments = false) {
    DeflateParameters parameters;
    parameters.client_no_context_takeover = true;
    protocol_ = make_rfc6455(599, std::make_unique<PerMessageDeflate>(parameters, workspace_));
    if (in_fragments) protocol_->receive_in_fragments(599);
  }
  void operator()(std::string_view piece) { feed(*protocol_, piece, events_); }

  // The events, and whether the end would be clean.
  Events result() const {
    Events events = joined(events_);
    events.push_back(protocol_->in_message() ? "inside" : "between");
    return events;
  }

 private:
  DeflateWorkspace workspace_;
  std::unique_ptr<Protocol> protocol_;
  Events events_;
};

Events whole(std::string_view bytes) {
  Feed feed;
  feed(bytes);
  return feed.result();
}

TEST(Rfc6455Stream, InTwoPiecesEqualsInOne) {
  for (const auto& [name, bytes] : streams())
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      Feed feed;
      feed(bytes.substr(0, cut));
      feed(bytes.substr(cut));
      ASSERT_EQ(feed.result(), whole(bytes)) << name << ", cut at " << cut;
    }
}

TEST(Rfc6455Stream, InFragmentsItEqualsWholeMessages) {
  for (const auto& [name, bytes] : streams())
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      Feed feed(true);
      feed(bytes.substr(0, cut));
      feed(bytes.substr(cut));
      ASSERT_EQ(feed.result(), whole(bytes)) << name << ", cut at " << cut;
    }
}

TEST(Rfc6455Stream, InThreePiecesEqualsInOne) {
  for (const auto& [name, bytes] : streams()) {
    if (bytes.size() > 120) continue;  // all pairs of cuts
    for (std::size_t first = 0; first <= bytes.size(); ++first)
      for (std::size_t second = first; second <= bytes.size(); ++second) {
        Feed feed;
        feed(bytes.substr(0, first));
        feed(bytes.substr(first, second - first));
        feed(bytes.substr(second));
        ASSERT_EQ(feed.result(), whole(bytes)) << name << ", cut at " << first << ", " << second;
      }
  }
}

TEST(Rfc6455Stream, InPiecesOfOneSizeEqualsInOne) {
  for (const auto& [name, bytes] : streams())
    for (std::size_t size = 1; size < 40; ++size) {
      Feed feed;
      for (std::size_t at = 0; at < bytes.size(); at += size) feed(bytes.substr(at, size));
      ASSERT_EQ(feed.result(), whole(bytes)) << name << ", pieces of " << size;
    }
}

TEST(Rfc6455Stream, TheStreamsMeanWhatTheirNamesSay) {
  const auto all = streams();
  EXPECT_EQ(whole(all[1].bytes), (Events{"text ", "binary ", "ping ", "text ", "between"}));
  EXPECT_EQ(whole(all[3].bytes), (Events{"failure 1009", "between"}));
  EXPECT_EQ(whole(all[4].bytes),
            (Events{"ping ping", "pong ", "text あ end", "binary next", "between"}));
  EXPECT_EQ(whole(all[11].bytes), (Events{"failure 1009", "between"}));
  EXPECT_EQ(whole(all[12].bytes),
            (Events{"text Hello", "ping ", "text Hello", "binary ", "text plain", "between"}));
  EXPECT_EQ(whole(all[13].bytes), (Events{"text Hello", "failure 1007", "between"}));
}

// Large messages come in many reads, in every state of everything.
TEST(Rfc6455Stream, AMebibyteInReadsOfSixtyFourKibibytes) {
  std::string text;
  while (text.size() < (1 << 20) - 100) text += long_text;
  const std::string bytes = text_frame(text);
  const auto protocol = make_rfc6455(1 << 20, nullptr);
  Events events;
  for (std::size_t at = 0; at < bytes.size(); at += 65536)
    feed(*protocol, std::string_view(bytes).substr(at, 65536), events);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(events[0] == "text " + text);
}

}  // namespace
}  // namespace cppwebsocket::protocol::test
