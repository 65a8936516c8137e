// RFC 7692 §6: compressed messages in RFC 6455 frames.
#include <gtest/gtest.h>

#include "protocol/frames/deflate.hpp"
#include "protocol/support/deflate_peer.hpp"
#include "protocol/support/wire.hpp"

namespace cppwebsocket::protocol::test {
namespace {

using Events = std::vector<std::string>;

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
    return feed(*protocol, bytes, &workspace_.share());
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
