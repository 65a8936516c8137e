// RFC 7692 §7.2: compressed bytes, by its examples, by ourselves, and with zlib as the other side.
#include "protocol/frames/deflate.hpp"

#include <zlib.h>

#include <gtest/gtest.h>

#include "protocol/support/deflate_peer.hpp"

namespace cppwebsocket::protocol::test {
namespace {

using namespace std::string_literals;

// --- §7.2: the bytes --------------------------------------------------------------------------

TEST(DeflateBytes, TheExamplesOfTheRfcInflate) {
  for (const DeflateParameters& parameters : {DeflateParameters{}, no_takeover}) {
    Peer peer(parameters);
    // §7.2.3.1, and in two fragments, which the protocol joins.
    EXPECT_EQ(peer.inflate("\xf2\x48\xcd\xc9\xc9\x07\x00"s), "Hello");
    // §7.2.3.3: a block without compression.
    EXPECT_EQ(peer.inflate("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s), "Hello");
    // §7.2.3.4: BFINAL.
    EXPECT_EQ(peer.inflate("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s), "Hello");
    // §7.2.3.5: two blocks.
    EXPECT_EQ(peer.inflate("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s), "Hello");
    // §7.2.3.6: empty.
    EXPECT_EQ(peer.inflate("\x00"s), "");
  }
}

// §7.2.3.2: the second "Hello" refers to the first.
TEST(DeflateBytes, TheExampleOfASharedWindowInflatesWithContextTakeoverOnly) {
  Peer keeps;
  EXPECT_EQ(keeps.inflate("\xf2\x48\xcd\xc9\xc9\x07\x00"s), "Hello");
  EXPECT_EQ(keeps.inflate("\xf2\x00\x11\x00\x00"s), "Hello");
  Peer forgets(no_takeover);
  EXPECT_EQ(forgets.inflate("\xf2\x48\xcd\xc9\xc9\x07\x00"s), "Hello");
  EXPECT_EQ(forgets.inflate("\xf2\x00\x11\x00\x00"s), "corrupt");
}

TEST(DeflateBytes, CompressesAsTheExamplesOfTheRfc) {
  Peer keeps;
  EXPECT_EQ(keeps.compress("Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"s);
  EXPECT_EQ(keeps.compress("Hello"), "\xf2\x00\x11\x00\x00"s);
  EXPECT_EQ(keeps.compress(""), "\x00"s);
  EXPECT_EQ(keeps.compress(""), "\x00"s);
  Peer forgets(no_takeover);
  EXPECT_EQ(forgets.compress("Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"s);
  EXPECT_EQ(forgets.compress("Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"s);
  EXPECT_EQ(forgets.compress(""), "\x00"s);
}

TEST(DeflateBytes, ReleasingTheCompressorOnlyForgets) {
  Peer peer;
  peer.compress("Hello");
  peer.deflate.release_compressor();
  EXPECT_EQ(peer.compress("Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"s);
}

TEST(DeflateBytes, BfinalBlocksMayStandAnywhere) {
  const std::string final_hello = "\xf3\x48\xcd\xc9\xc9\x07\x00"s;
  for (const DeflateParameters& parameters : {DeflateParameters{}, no_takeover}) {
    Peer peer(parameters);
    EXPECT_EQ(peer.inflate(final_hello + final_hello + "\x00"s), "HelloHello");
    EXPECT_EQ(peer.inflate(final_hello + "\xf2\x48\xcd\xc9\xc9\x07\x00"s), "HelloHello");
    EXPECT_EQ(peer.inflate(final_hello), "Hello") << "nothing behind it is lenient, and plain";
    EXPECT_EQ(peer.inflate("\xf2\x48\xcd\xc9\xc9\x07\x00"s), "Hello");
  }
}

// The end of a BFINAL block at the very end of a step of output.
TEST(DeflateBytes, ABfinalBlockMayFillTheBufferExactly) {
  for (std::size_t size = (16 << 10) - 2; size <= (16 << 10) + 2; ++size) {
    const std::string stored = "\x01"s + static_cast<char>(size & 0xff) +
                               static_cast<char>(size >> 8) + static_cast<char>(~size & 0xff) +
                               static_cast<char>(~size >> 8 & 0xff) + std::string(size, 'x');
    Peer peer(no_takeover);
    EXPECT_EQ(peer.inflate(stored), std::string(size, 'x')) << size;
    EXPECT_EQ(peer.inflate(stored + "\x00"s), std::string(size, 'x')) << size;
  }
}

TEST(DeflateBytes, AnEmptyPayloadIsAnEmptyMessage) {
  Peer peer;
  EXPECT_EQ(peer.inflate(""), "");
  EXPECT_EQ(peer.inflate("\xf2\x48\xcd\xc9\xc9\x07\x00"s), "Hello");
}

TEST(DeflateBytes, CorruptStreamsAreCorrupt) {
  const std::vector<std::string> corrupt = {
      "\x07"s,                              // a block of the reserved type
      "\xff\xff\xff\xff"s,                  //
      "\x00\x05\x00\x00\x00Hello"s,         // a length that its complement contradicts
      "\xf2\x00\x11\x00\x00"s,              // refers to before the beginning
      "\xf2\x48\xcd\xc9"s,                  // ends inside a block
      "\x00\x05\x00\xfa\xff\x48\x65\x6c"s,  // ends inside a block without compression
  };
  for (const std::string& bytes : corrupt)
    for (const DeflateParameters& parameters : {DeflateParameters{}, no_takeover})
      EXPECT_EQ(Peer(parameters).inflate(bytes), "corrupt") << testing::PrintToString(bytes);
}

TEST(DeflateBytes, InflatingStopsAtTheLimit) {
  Peer sender;
  for (const std::size_t size : {1, 5, 100, 16383, 16384, 16385, 100'000, 10'000'000}) {
    const std::string bomb = sender.compress(std::string(size, 'a'));
    sender.deflate.release_compressor();
    for (const DeflateParameters& parameters : {DeflateParameters{}, no_takeover}) {
      EXPECT_TRUE(Peer(parameters).inflate(bomb, size) == std::string(size, 'a')) << size;
      EXPECT_EQ(Peer(parameters).inflate(bomb, size - 1), "too big") << size;
      EXPECT_EQ(Peer(parameters).inflate(bomb, 0), "too big") << size;
    }
  }
}

TEST(DeflateBytes, SmallMessagesAreNotWorthIt) {
  Peer peer({.min_size = 64});
  EXPECT_FALSE(peer.deflate.wants(63));
  EXPECT_TRUE(peer.deflate.wants(64));
}

// --- round trips ------------------------------------------------------------------------------

TEST(DeflateRoundTrip, EveryWindowInBothContextModes) {
  for (int bits = 9; bits <= 15; ++bits)
    for (const bool forget : {false, true})
      for (const int level : {1, 6, 9}) {
        const DeflateParameters parameters{forget, forget, bits, bits, level, 0};
        Peer sender(parameters);
        Peer receiver(parameters);
        for (const std::string& sample : samples())
          ASSERT_TRUE(receiver.inflate(sender.compress(sample)) == sample)
              << bits << " bits, " << forget << ", level " << level;
      }
}

TEST(DeflateRoundTrip, FragmentsOfConnectionsThatShareAWorkspaceDoNotMix) {
  DeflateWorkspace workspace;
  for (const bool forget : {false, true}) {
    const DeflateParameters parameters{forget, forget, 15, 15, 6, 0};
    PerMessageDeflate one(parameters, workspace);
    PerMessageDeflate two(parameters, workspace);
    std::string wire_one, wire_two, plain_one, plain_two;
    for (int i = 0; i < 50; ++i) {
      const std::string a = "alpha and alphabet " + std::to_string(i) + std::string(i * 20, 'a');
      const std::string b = i % 7 == 0 ? "" : "beta and alphabet " + std::to_string(i);
      one.compress(a, i == 49, wire_one);
      two.compress(b, i == 49, wire_two);
      plain_one += a;
      plain_two += b;
    }
    Peer receiver(parameters);
    EXPECT_EQ(receiver.inflate(wire_one), plain_one);
    Peer other(parameters);
    EXPECT_EQ(other.inflate(wire_two), plain_two);
  }
}

TEST(DeflateRoundTrip, ConnectionsThatShareAWorkspaceKeepTheirLevels) {
  const std::string words = samples()[6];
  const auto compress = [&](int level, DeflateWorkspace& workspace) {
    std::string out;
    PerMessageDeflate({true, true, 15, 15, level, 0}, workspace).compress(words, true, out);
    return out;
  };
  DeflateWorkspace shared;
  for (const int level : {1, 9, 6, 1, 6, 9}) {
    DeflateWorkspace fresh;
    EXPECT_TRUE(compress(level, shared) == compress(level, fresh)) << level;
  }
}

TEST(DeflateRoundTrip, AMessageMayEndWithAnEmptyFragment) {
  for (const DeflateParameters& parameters : {DeflateParameters{}, no_takeover}) {
    Peer sender(parameters);
    const std::string wire = sender.compress("some text", false) + sender.compress("", false) +
                             sender.compress("", true);
    Peer receiver(parameters);
    EXPECT_EQ(receiver.inflate(wire), "some text");
    EXPECT_EQ(receiver.inflate(sender.compress("some text")), "some text");
  }
}

// --- zlib itself as the other side ------------------------------------------------------------

// A client that knows nothing but zlib and §7.2.1.
class ZlibClient {
 public:
  explicit ZlibClient(int bits) {
    EXPECT_EQ(deflateInit2(&deflate_, 9, Z_DEFLATED, -bits, 9, Z_DEFAULT_STRATEGY), Z_OK);
    EXPECT_EQ(inflateInit2(&inflate_, -bits), Z_OK);
  }
  ~ZlibClient() {
    deflateEnd(&deflate_);
    inflateEnd(&inflate_);
  }

  std::string compress(std::string bytes) {
    if (bytes.empty()) return "\x00"s;
    std::string out(bytes.size() * 2 + 100, '\0');
    run(deflate_, ::deflate, bytes, out);
    return out.substr(0, out.size() - 4);
  }
  std::string inflate(std::string bytes, std::size_t size) {
    bytes += "\x00\x00\xff\xff"s;
    std::string out(size + 100, '\0');
    run(inflate_, ::inflate, bytes, out);
    return out;
  }
  void forget() {
    deflateReset(&deflate_);
    inflateReset(&inflate_);
  }

 private:
  static void run(z_stream& stream, int (*function)(z_stream*, int), std::string& in,
                  std::string& out) {
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(function(&stream, Z_SYNC_FLUSH), Z_OK);
    EXPECT_EQ(stream.avail_in, 0U);
    out.resize(out.size() - stream.avail_out);
  }

  z_stream deflate_{};
  z_stream inflate_{};
};

// A window of the negotiated size, no more, must do for what we send: its decoder would refuse.
TEST(DeflateAgainstZlib, BothDirectionsWithEveryWindowInBothContextModes) {
  for (int bits = 9; bits <= 15; ++bits)
    for (const bool forget : {false, true}) {
      Peer server({forget, forget, bits, bits, 6, 0});
      ZlibClient client(bits);
      for (const std::string& sample : samples()) {
        ASSERT_TRUE(server.inflate(client.compress(sample)) == sample) << bits << " " << forget;
        ASSERT_TRUE(client.inflate(server.compress(sample), sample.size()) == sample)
            << bits << " " << forget;
        if (forget) client.forget();
      }
    }
}

// Inflates with a window of 256 bytes and no more: byte by byte, so that the output is none as
// well.
std::string inflate_in_a_window_of_8(z_stream& stream, std::string bytes) {
  bytes += "\x00\x00\xff\xff"s;
  stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  for (char byte;; out.push_back(byte)) {
    stream.next_out = reinterpret_cast<Bytef*>(&byte);
    stream.avail_out = 1;
    const int result = ::inflate(&stream, Z_SYNC_FLUSH);
    if (result != Z_OK && result != Z_BUF_ERROR) return "corrupt";
    if (stream.avail_out == 1) return out;
  }
}

TEST(DeflateAgainstZlib, AWindowOf8BitsIsKept) {
  for (const bool forget : {false, true})
    for (const int level : {1, 4, 6, 9}) {
      const std::vector<ExtensionOffer> offers = {
          {"permessage-deflate", {{"server_max_window_bits", "8"}}}};
      const auto agreement = negotiate_deflate(
          offers,
          {.enabled = true, .server_context_takeover = !forget, .level = level, .min_size = 0});
      ASSERT_TRUE(agreement);
      Peer server(agreement->parameters);
      z_stream client{};
      ASSERT_EQ(inflateInit2(&client, -8), Z_OK);
      for (const std::string& sample : samples()) {
        ASSERT_TRUE(inflate_in_a_window_of_8(client, server.compress(sample)) == sample)
            << level << " " << forget;
        if (forget) inflateReset(&client);
      }
      inflateEnd(&client);
    }
}

// What the test above rests on: a window of 9 that refers back as far as it may would be refused.
TEST(DeflateAgainstZlib, AWindowOf8BitsRefusesWhatIsFartherBack) {
  // A literal block of 300 bytes, then a match of length 3 at distance 300.
  std::string bytes = "\x00\x2c\x01\xd3\xfe"s + std::string(300, 'x');
  bytes += "\x02\x86\x15\x00"s;
  z_stream client{};
  ASSERT_EQ(inflateInit2(&client, -8), Z_OK);
  EXPECT_EQ(inflate_in_a_window_of_8(client, bytes), "corrupt");
  inflateEnd(&client);
}

}  // namespace
}  // namespace cppwebsocket::protocol::test
