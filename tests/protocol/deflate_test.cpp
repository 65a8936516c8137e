// RFC 7692: negotiation, the bytes, and messages through the whole protocol.
#include "protocol/deflate.hpp"

#include <zlib.h>

#include <random>

#include <gtest/gtest.h>

#include "protocol/support/wire.hpp"

namespace cppwebsocket::protocol::test {
namespace {

using Events = std::vector<std::string>;
using Parameter = ExtensionOffer::Parameter;

// --- §5.1, §7.1: negotiation ------------------------------------------------------------------

constexpr DeflatePolicy frugal{.enabled = true};
constexpr DeflatePolicy takeover{.enabled = true, .context_takeover = true};

ExtensionOffer offer(std::vector<Parameter> parameters) {
  return {"permessage-deflate", parameters};
}

std::string answer(std::vector<ExtensionOffer> offers, const DeflatePolicy& policy = takeover) {
  const auto agreement = negotiate_deflate(offers, policy);
  return agreement ? agreement->response : "declined";
}

TEST(DeflateNegotiation, NothingIsAcceptedThatIsNotEnabledOrNotOffered) {
  EXPECT_EQ(answer({offer({})}, DeflatePolicy{}), "declined");
  EXPECT_EQ(answer({}), "declined");
  EXPECT_EQ(answer({{"x-webkit-deflate-frame", {}}, {"permessage-bzip2", {}}}), "declined");
}

TEST(DeflateNegotiation, APlainOfferIsAccepted) {
  EXPECT_EQ(answer({offer({})}), "permessage-deflate");
  EXPECT_EQ(answer({offer({})}, frugal),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(answer({{"other", {}}, offer({})}), "permessage-deflate");
}

TEST(DeflateNegotiation, EitherSideMayRuleOutContextTakeover) {
  EXPECT_EQ(answer({offer({{"server_no_context_takeover", {}}})}),
            "permessage-deflate; server_no_context_takeover");
  EXPECT_EQ(answer({offer({{"client_no_context_takeover", {}}})}),
            "permessage-deflate; client_no_context_takeover");
  const std::vector<ExtensionOffer> both = {
      offer({{"client_no_context_takeover", {}}, {"server_no_context_takeover", {}}})};
  const auto agreement = negotiate_deflate(both, takeover);
  ASSERT_TRUE(agreement);
  EXPECT_TRUE(agreement->parameters.server_no_context_takeover);
  EXPECT_TRUE(agreement->parameters.client_no_context_takeover);
}

TEST(DeflateNegotiation, ServerWindowIsTheSmallerOfBothSides) {
  for (int offered = 9; offered <= 15; ++offered)
    for (int policy_bits = 9; policy_bits <= 15; ++policy_bits) {
      const std::string value = std::to_string(offered);
      DeflatePolicy policy = takeover;
      policy.server_max_window_bits = policy_bits;
      const std::vector<ExtensionOffer> offers = {offer({{"server_max_window_bits", value}})};
      const auto agreement = negotiate_deflate(offers, policy);
      ASSERT_TRUE(agreement);
      const int expected = std::min(offered, policy_bits);
      EXPECT_EQ(agreement->parameters.server_max_window_bits, expected);
      EXPECT_EQ(agreement->response,
                "permessage-deflate; server_max_window_bits=" + std::to_string(expected));
    }
}

TEST(DeflateNegotiation, ASmallerServerWindowIsToldUnasked) {
  DeflatePolicy policy = takeover;
  policy.server_max_window_bits = 11;
  EXPECT_EQ(answer({offer({})}, policy), "permessage-deflate; server_max_window_bits=11");
}

TEST(DeflateNegotiation, ClientWindowIsAnsweredOnlyIfOffered) {
  DeflatePolicy policy = takeover;
  policy.client_max_window_bits = 10;
  EXPECT_EQ(answer({offer({})}, policy), "permessage-deflate");
  EXPECT_EQ(answer({offer({{"client_max_window_bits", {}}})}, policy),
            "permessage-deflate; client_max_window_bits=10");
  EXPECT_EQ(answer({offer({{"client_max_window_bits", "12"}})}, policy),
            "permessage-deflate; client_max_window_bits=10");
  EXPECT_EQ(answer({offer({{"client_max_window_bits", "9"}})}, policy),
            "permessage-deflate; client_max_window_bits=9");
  EXPECT_EQ(answer({offer({{"client_max_window_bits", "8"}})}),
            "permessage-deflate; client_max_window_bits=8");
  EXPECT_EQ(answer({offer({{"client_max_window_bits", {}}})}), "permessage-deflate");
}

TEST(DeflateNegotiation, WrongOffersAreDeclined) {
  const std::vector<std::vector<Parameter>> wrong = {
      {{"unknown", {}}},
      {{"server_no_context_takeover", "1"}},
      {{"client_no_context_takeover", ""}},
      {{"server_no_context_takeover", {}}, {"server_no_context_takeover", {}}},
      {{"client_no_context_takeover", {}}, {"client_no_context_takeover", {}}},
      {{"server_max_window_bits", {}}},
      {{"server_max_window_bits", "8"}},  // zlib cannot
      {{"server_max_window_bits", "7"}},
      {{"server_max_window_bits", "16"}},
      {{"server_max_window_bits", "09"}},
      {{"server_max_window_bits", "1"}},
      {{"server_max_window_bits", ""}},
      {{"server_max_window_bits", "+9"}},
      {{"server_max_window_bits", "10 "}},
      {{"server_max_window_bits", "100"}},
      {{"server_max_window_bits", "10"}, {"server_max_window_bits", "10"}},
      {{"client_max_window_bits", "7"}},
      {{"client_max_window_bits", "16"}},
      {{"client_max_window_bits", "010"}},
      {{"client_max_window_bits", ""}},
      {{"client_max_window_bits", {}}, {"client_max_window_bits", {}}},
      {{"client_max_window_bits", {}}, {"client_max_window_bits", "10"}},
  };
  for (const auto& parameters : wrong) {
    EXPECT_EQ(answer({offer(parameters)}), "declined") << parameters[0].name;
    // The next one is tried, as §5.1 has it.
    EXPECT_EQ(answer({offer(parameters), offer({})}), "permessage-deflate") << parameters[0].name;
  }
}

TEST(DeflateNegotiation, TheFirstAcceptableOfferWins) {
  EXPECT_EQ(answer({offer({{"server_max_window_bits", "8"}}),
                    offer({{"server_max_window_bits", "12"}}), offer({})}),
            "permessage-deflate; server_max_window_bits=12");
}

// --- §7.2: the bytes --------------------------------------------------------------------------

struct Peer {
  explicit Peer(const DeflateParameters& parameters = {}) : deflate(parameters, workspace) {}

  std::string compress(std::string_view bytes, bool end = true) {
    std::string out;
    deflate.compress(bytes, end, out);
    return out;
  }
  // The inflated bytes, or what is wrong.
  std::string inflate(std::string_view bytes, std::size_t max_size = 1 << 20) {
    std::string out;
    switch (deflate.inflate(bytes, max_size, out)) {
      case InflateResult::corrupt:
        return "corrupt";
      case InflateResult::too_big:
        EXPECT_LE(out.size(), max_size);
        return "too big";
      default:
        return out;
    }
  }

  DeflateWorkspace workspace;
  PerMessageDeflate deflate;
};

constexpr DeflateParameters no_takeover{.server_no_context_takeover = true,
                                        .client_no_context_takeover = true};

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

std::vector<std::string> samples() {
  std::mt19937 random(3);
  std::string noise(70'000, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  std::string words;
  while (words.size() < 200'000) words += "word " + std::to_string(random() % 1000) + "、単語 ";
  return {"Hello",
          "",
          std::string(100'000, 'a'),
          noise,
          "",
          "",
          words,
          words.substr(0, 300),
          noise.substr(0, 511),
          noise.substr(0, 513),
          std::string(1, '\0'),
          words};
}

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

// --- §6: messages -----------------------------------------------------------------------------

const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;

class DeflateMessages : public testing::Test {
 protected:
  std::unique_ptr<Protocol> make(DeflateParameters parameters = no_takeover,
                                 std::size_t max_message_size = 1 << 20) {
    return make_rfc6455(max_message_size,
                        std::make_unique<PerMessageDeflate>(parameters, workspace_));
  }
  Events receive(std::string_view bytes, std::size_t max_message_size = 1 << 20) {
    const auto protocol = make(no_takeover, max_message_size);
    return feed(*protocol, bytes);
  }

  DeflateWorkspace workspace_;
};

TEST_F(DeflateMessages, CompressedAndPlainOnesMayAlternate) {
  EXPECT_EQ(receive(client_frame(0xc1, hello) + text_frame("plain") + client_frame(0xc2, hello)),
            (Events{"text Hello", "text plain", "binary Hello"}));
}

TEST_F(DeflateMessages, FragmentsMayBeCutAnywhere) {
  for (std::size_t cut = 0; cut <= hello.size(); ++cut)
    EXPECT_EQ(receive(client_frame(0x41, hello.substr(0, cut)) + client_frame(0x89, "p") +
                      client_frame(0x80, hello.substr(cut))),
              (Events{"ping p", "text Hello"}));
}

TEST_F(DeflateMessages, ServerFailsRsv1OutsideAMessagesFirstFrameWith1002) {
  EXPECT_EQ(receive(client_frame(0x41, hello) + client_frame(0xc0, "")), Events{"failure 1002"});
  EXPECT_EQ(receive(client_frame(0x01, "") + client_frame(0xc0, "")), Events{"failure 1002"});
  for (const unsigned first : {0xc8U, 0xc9U, 0xcaU})
    EXPECT_EQ(receive(client_frame(first, "")), Events{"failure 1002"});
}

TEST_F(DeflateMessages, ServerFailsTheOtherReservedBitsWith1002) {
  for (const unsigned first : {0xa1U, 0x91U, 0xe1U, 0xd1U})
    EXPECT_EQ(receive(client_frame(first, hello)), Events{"failure 1002"});
}

TEST_F(DeflateMessages, ServerFailsCorruptOnesWith1007) {
  EXPECT_EQ(receive(client_frame(0xc1, "\xff\xff\xff")), Events{"failure 1007"});
  EXPECT_EQ(receive(client_frame(0xc2, hello.substr(0, 3))), Events{"failure 1007"});
}

TEST_F(DeflateMessages, ServerFailsATextThatIsNotUtf8With1007) {
  Peer client;
  EXPECT_EQ(receive(client_frame(0xc1, client.compress("\xe3\x81"))), Events{"failure 1007"});
  client.deflate.release_compressor();
  EXPECT_EQ(receive(client_frame(0xc2, client.compress("\xe3\x81"))), Events{"binary \xe3\x81"});
}

TEST_F(DeflateMessages, ServerFailsOnesThatInflateToTooMuchWith1009) {
  Peer client;
  const std::string bomb = client.compress(std::string(1'000'000, 'a'));
  ASSERT_LT(bomb.size(), 2000U);
  EXPECT_EQ(receive(client_frame(0xc2, bomb), 999'999), Events{"failure 1009"});
  EXPECT_EQ(receive(client_frame(0xc2, bomb), 1'000'000).front().size(), 7U + 1'000'000U);
}

TEST_F(DeflateMessages, ServerFailsCompressedBytesFarAboveTheLimitWith1009BeforeTheyCome) {
  EXPECT_EQ(receive(client_header(0xc2, 126, big_endian(10'000, 2)), 1000), Events{"failure 1009"});
  // What does not compress is a little longer than itself.
  Peer client;
  std::string noise(1000, '\0');
  for (std::size_t i = 0; i < noise.size(); ++i)
    noise[i] = static_cast<char>(i * i * 31 + (i >> 3) * 7);
  EXPECT_EQ(receive(client_frame(0xc2, client.compress(noise)), 1000), Events{"binary " + noise});
}

TEST_F(DeflateMessages, ServerSendsRsv1OnCompressedOnesOnly) {
  const auto protocol = make({.server_no_context_takeover = true, .min_size = 5});
  Output out;
  protocol->send_message("Hello", true, out);
  protocol->send_message("four", true, out);
  protocol->send_ping("a ping is never compressed", out);
  EXPECT_EQ(sent(out), "\xc1\x07" + hello +
                           "\x81\x04"
                           "four"
                           "\x89\x1a"
                           "a ping is never compressed");
}

TEST_F(DeflateMessages, WhetherToCompressIsSettledByTheFirstFragment) {
  for (const bool forget : {false, true}) {
    const auto protocol = make({.server_no_context_takeover = forget, .min_size = 5});
    Output out;
    protocol->send_message("tiny", false, out);
    protocol->send_message("Hello", true, out);
    EXPECT_EQ(sent(out),
              "\x01\x04"
              "tiny"
              "\x80\x05"
              "Hello");
    out.clear();
    protocol->send_message("Hello", false, out);
    EXPECT_EQ(sent(out), "\x41\x0b" + hello + "\x00\x00\xff\xff"s);
    out.clear();
    protocol->send_message("", true, out);
    EXPECT_EQ(sent(out), "\x80\x01\x00"s);
  }
}

TEST_F(DeflateMessages, LargeOnesAreSentWholly) {
  const auto protocol = make();
  const std::string text = samples()[6];
  Output out;
  protocol->send_message(text, true, out);
  const std::string wire = sent(out);
  ASSERT_EQ(static_cast<unsigned char>(wire[0]), 0xc1);
  ASSERT_EQ(static_cast<unsigned char>(wire[1]), 126) << "between 126 bytes and 64 KiB";
  EXPECT_TRUE(Peer(no_takeover).inflate(wire.substr(4)) == text);
}

TEST_F(DeflateMessages, IdleMemoryMayBeReleasedBetweenFragments) {
  const auto protocol = make({.min_size = 0});
  Output out;
  protocol->send_message("Hello", false, out);
  protocol->release_idle_memory();
  protocol->send_message("Hello", true, out);
  std::string wire = sent(out);
  EXPECT_EQ(wire.substr(0, 2), "\x41\x0b");
  EXPECT_EQ(Peer().inflate(wire.substr(2, 11) + wire.substr(15)), "HelloHello");
}

}  // namespace
}  // namespace cppwebsocket::protocol::test
