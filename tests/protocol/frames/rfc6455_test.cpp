// RFC 6455 without extensions, section by section. rfc6455_stream_test.cpp: whole = in pieces.
#include <gtest/gtest.h>

#include "protocol/support/wire.hpp"

namespace cppwebsocket::protocol::test {
namespace {

using Events = std::vector<std::string>;

constexpr std::size_t roomy = 1 << 20;

Events receive(std::string_view bytes, std::size_t max_message_size = roomy) {
  const auto protocol = make_rfc6455(max_message_size, nullptr);
  return feed(*protocol, bytes);
}

const Events fails_1002 = {"failure 1002"};
const Events fails_1007 = {"failure 1007"};
const Events fails_1009 = {"failure 1009"};

std::string send(Message message, bool end = true) {
  Output out;
  make_rfc6455(roomy, nullptr)->send_message(std::move(message), end, out);
  return sent(out);
}

// --- §5.7: the examples -----------------------------------------------------------------------

TEST(Rfc6455Examples, ServerSendsASingleFrameUnmaskedTextMessage) {
  EXPECT_EQ(send("Hello"), "\x81\x05\x48\x65\x6c\x6c\x6f");
}

TEST(Rfc6455Examples, ServerReceivesASingleFrameMaskedTextMessage) {
  EXPECT_EQ(receive("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), Events{"text Hello"});
}

TEST(Rfc6455Examples, ServerSendsAFragmentedUnmaskedTextMessage) {
  const auto protocol = make_rfc6455(roomy, nullptr);
  Output out;
  protocol->send_message("Hel", false, out);
  EXPECT_EQ(sent(out), "\x01\x03\x48\x65\x6c");
  out.clear();
  protocol->send_message("lo", true, out);
  EXPECT_EQ(sent(out), "\x80\x02\x6c\x6f");
}

TEST(Rfc6455Examples, ServerReceivesAFragmentedMessage) {
  EXPECT_EQ(receive(client_frame(0x01, "Hel") + client_frame(0x80, "lo")), Events{"text Hello"});
}

TEST(Rfc6455Examples, ServerSendsAPingAndReceivesItsMaskedPong) {
  const auto protocol = make_rfc6455(roomy, nullptr);
  Output out;
  protocol->send_ping("Hello", out);
  EXPECT_EQ(sent(out), "\x89\x05\x48\x65\x6c\x6c\x6f");
  EXPECT_EQ(feed(*protocol, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), Events{"pong Hello"});
}

TEST(Rfc6455Examples, ServerSends256BytesAnd64KiB) {
  const std::string small(256, '\x01');
  EXPECT_EQ(send(Message::binary(small)), "\x82\x7e\x01\x00"s + small);
  const std::string large(65536, '\x02');
  EXPECT_EQ(send(Message::binary(large)), "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s + large);
}

// --- §5.1: masking ----------------------------------------------------------------------------

TEST(Rfc6455Masking, ServerFailsUnmaskedFrameWith1002) {
  EXPECT_EQ(receive("\x81\x05Hello"), fails_1002);
  EXPECT_EQ(receive("\x89\x00"s + "1234"), fails_1002);
}

TEST(Rfc6455Masking, EachFrameHasItsOwnKey) {
  EXPECT_EQ(receive(client_frame(0x01, "abcdefg", {1, 2, 3, 4}) +
                    client_frame(0x80, "hijklmn", {0xff, 0, 0xff, 0})),
            Events{"text abcdefghijklmn"});
  EXPECT_EQ(receive(client_frame(0x81, "zero", {0, 0, 0, 0})), Events{"text zero"});
}

// --- §5.2: the header -------------------------------------------------------------------------

TEST(Rfc6455Header, ServerFailsReservedBitsWith1002) {
  for (const unsigned rsv : {0x10U, 0x20U, 0x30U, 0x40U, 0x50U, 0x60U, 0x70U})
    for (const unsigned opcode : {0x1U, 0x2U, 0x8U, 0x9U, 0xaU})
      EXPECT_EQ(receive(client_frame(0x80 | rsv | opcode, "")), fails_1002) << rsv << " " << opcode;
}

TEST(Rfc6455Header, ServerFailsReservedOpcodesWith1002) {
  for (const unsigned opcode : {0x3U, 0x4U, 0x5U, 0x6U, 0x7U, 0xbU, 0xcU, 0xdU, 0xeU, 0xfU}) {
    EXPECT_EQ(receive(client_frame(0x80 | opcode, "")), fails_1002) << opcode;
    EXPECT_EQ(receive(client_frame(0x01, "a") + client_frame(0x80 | opcode, "b")), fails_1002);
  }
}

TEST(Rfc6455Header, ServerReceivesEverySizeAroundTheLengthForms) {
  for (const std::size_t size :
       {0, 1, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537}) {
    const std::string payload(size, 'x');
    EXPECT_EQ(receive(text_frame(payload)), Events{"text " + payload}) << size;
    EXPECT_EQ(receive(binary_frame(payload)), Events{"binary " + payload}) << size;
  }
}

TEST(Rfc6455Header, ServerSendsTheShortestLengthForm) {
  const auto header = [](std::size_t size) {
    std::string frame = send(Message::binary(std::string(size, 'x')));
    return frame.substr(0, frame.size() - size);
  };
  EXPECT_EQ(header(0), "\x82\x00"s);
  EXPECT_EQ(header(125), "\x82\x7d");
  EXPECT_EQ(header(126), "\x82\x7e\x00\x7e"s);
  EXPECT_EQ(header(65535), "\x82\x7e\xff\xff");
  EXPECT_EQ(header(65536), "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
}

TEST(Rfc6455Header, ServerFailsLengthsThatAreNotMinimalWith1002) {
  for (const unsigned length : {0U, 1U, 125U})
    EXPECT_EQ(receive(client_header(0x82, 126, big_endian(length, 2))), fails_1002) << length;
  for (const unsigned length : {0U, 125U, 126U, 65535U})
    EXPECT_EQ(receive(client_header(0x82, 127, big_endian(length, 8))), fails_1002) << length;
}

TEST(Rfc6455Header, ServerFailsALengthWithItsHighestBitSetWith1002) {
  EXPECT_EQ(receive(client_header(0x82, 127, "\x80\0\0\0\0\1\0\0"s)), fails_1002);
  EXPECT_EQ(receive(client_header(0x82, 127, std::string(8, '\xff'))), fails_1002);
}

// --- §5.4: fragmentation ----------------------------------------------------------------------

TEST(Rfc6455Fragmentation, EmptyMessagesAndEmptyFragmentsAreValid) {
  EXPECT_EQ(receive(text_frame("")), Events{"text "});
  EXPECT_EQ(receive(binary_frame("")), Events{"binary "});
  EXPECT_EQ(receive(client_frame(0x01, "") + client_frame(0x00, "") + client_frame(0x80, "")),
            Events{"text "});
  EXPECT_EQ(receive(client_frame(0x01, "") + client_frame(0x00, "mid") + client_frame(0x80, "")),
            Events{"text mid"});
  EXPECT_EQ(receive(client_frame(0x02, "a") + client_frame(0x00, "") + client_frame(0x80, "b")),
            Events{"binary ab"});
}

TEST(Rfc6455Fragmentation, ControlFramesMayComeBetweenFragments) {
  EXPECT_EQ(receive(client_frame(0x01, "a") + client_frame(0x89, "one") + client_frame(0x00, "b") +
                    client_frame(0x8a, "two") + client_frame(0x89, "") + client_frame(0x80, "c") +
                    text_frame("next")),
            (Events{"ping one", "pong two", "ping ", "text abc", "text next"}));
}

TEST(Rfc6455Fragmentation, ServerFailsAContinuationOfNothingWith1002) {
  EXPECT_EQ(receive(client_frame(0x80, "a")), fails_1002);
  EXPECT_EQ(receive(client_frame(0x00, "a")), fails_1002);
  EXPECT_EQ(receive(text_frame("a") + client_frame(0x80, "b")), (Events{"text a", "failure 1002"}));
}

TEST(Rfc6455Fragmentation, ServerFailsANewMessageInsideAFragmentedOneWith1002) {
  EXPECT_EQ(receive(client_frame(0x01, "a") + text_frame("b")), fails_1002);
  EXPECT_EQ(receive(client_frame(0x01, "a") + client_frame(0x02, "b")), fails_1002);
  EXPECT_EQ(receive(client_frame(0x02, "") + client_frame(0x82, "b")), fails_1002);
}

TEST(Rfc6455Fragmentation, ServerSendsControlFramesBetweenFragments) {
  const auto protocol = make_rfc6455(roomy, nullptr);
  Output out;
  protocol->send_message(Message::binary("a"), false, out);
  protocol->send_ping("p", out);
  protocol->send_message(Message::binary(""), false, out);
  protocol->send_pong("q", out);
  protocol->send_message(Message::binary("b"), true, out);
  protocol->send_message("c", true, out);
  EXPECT_EQ(sent(out),
            "\x02\x01"
            "a"
            "\x89\x01"
            "p"
            "\x00\x00"
            "\x8a\x01"
            "q"
            "\x80\x01"
            "b"
            "\x81\x01"
            "c"s);
}

TEST(Rfc6455Fragmentation, TheEndOfTheInputIsUncleanInsideAFrameOrAMessage) {
  const std::string bytes =
      client_frame(0x01, "a") + client_frame(0x89, "p") + client_frame(0x80, "b");
  const auto protocol = make_rfc6455(roomy, nullptr);
  EXPECT_FALSE(protocol->in_message());
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    feed(*protocol, bytes.substr(i, 1));
    EXPECT_TRUE(protocol->in_message()) << i;
  }
  feed(*protocol, bytes.substr(bytes.size() - 1));
  EXPECT_FALSE(protocol->in_message());
}

// --- §5.5: control frames ---------------------------------------------------------------------

TEST(Rfc6455Control, ServerReceivesControlPayloadsUpTo125Bytes) {
  const std::string body(125, '\xfe');
  EXPECT_EQ(receive(client_frame(0x89, body)), Events{"ping " + body});
  EXPECT_EQ(receive(client_frame(0x8a, body)), Events{"pong " + body});
  EXPECT_EQ(receive(close_frame(1000, std::string(123, 'r'))),
            Events{"close 1000 " + std::string(123, 'r')});
}

TEST(Rfc6455Control, ServerFailsLongerControlFramesWith1002) {
  for (const unsigned first : {0x88U, 0x89U, 0x8aU}) {
    EXPECT_EQ(receive(client_frame(first, std::string(126, 'a'))), fails_1002);
    EXPECT_EQ(receive(client_header(first, 127, big_endian(65536, 8))), fails_1002);
  }
}

TEST(Rfc6455Control, ServerFailsFragmentedControlFramesWith1002) {
  for (const unsigned first : {0x08U, 0x09U, 0x0aU})
    EXPECT_EQ(receive(client_frame(first, "")), fails_1002);
}

TEST(Rfc6455Control, PayloadsThatComeInPiecesDoNotMix) {
  const auto protocol = make_rfc6455(roomy, nullptr);
  for (const char* body : {"first, a long one", "second", "", "third"}) {
    Events events;
    for (const char byte : client_frame(0x89, body)) feed(*protocol, {&byte, 1}, events);
    EXPECT_EQ(events, Events{"ping "s + body});
  }
}

TEST(Rfc6455Control, ServerSendsPingPongAndClose) {
  const auto protocol = make_rfc6455(roomy, nullptr);
  Output out;
  protocol->send_ping("", out);
  protocol->send_pong(std::string(125, 'x'), out);
  protocol->send_close(Close(), out);
  protocol->send_close(Close(1001), out);
  protocol->send_close(Close(4999, "はい"), out);
  EXPECT_EQ(sent(out),
            "\x89\x00"s
            "\x8a\x7d" +
                std::string(125, 'x') +
                "\x88\x00"s
                "\x88\x02\x03\xe9"
                "\x88\x08\x13\x87" +
                "はい");
}

// --- §5.5.1, §7.4: closing --------------------------------------------------------------------

TEST(Rfc6455Close, AnEmptyBodyIsValid) {
  EXPECT_EQ(receive(client_frame(0x88, "")), Events{"close"});
}

TEST(Rfc6455Close, ServerFailsABodyOfOneByteWith1002) {
  EXPECT_EQ(receive(client_frame(0x88, "\x03")), fails_1002);
  // Whose second byte would be the next frame's first, and make a code of it.
  EXPECT_EQ(receive(client_frame(0x88, "\x0f") + client_frame(0x88, "")), fails_1002);
}

TEST(Rfc6455Close, ServerTakesExactlyTheCodesThatMayBeSent) {
  const auto valid = [](unsigned code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
  };
  for (unsigned code = 0; code <= 0xffff; ++code)
    ASSERT_EQ(receive(close_frame(code, "why")),
              valid(code) ? Events{"close " + std::to_string(code) + " why"} : fails_1002)
        << code;
}

TEST(Rfc6455Close, ServerFailsAReasonThatIsNotUtf8With1007) {
  EXPECT_EQ(receive(close_frame(1000, "ok \xce\xba\xe1\xbd\xb9")),
            Events{"close 1000 ok \xce\xba\xe1\xbd\xb9"});
  EXPECT_EQ(receive(close_frame(1000, "\xce")), fails_1007);
  EXPECT_EQ(receive(close_frame(1000, "\xed\xa0\x80")), fails_1007);
}

TEST(Rfc6455Close, EverythingBehindACloseIsDiscarded) {
  const auto protocol = make_rfc6455(roomy, nullptr);
  EXPECT_EQ(feed(*protocol, close_frame(1000) + text_frame("late") + "\x81\x05garbage"),
            Events{"close 1000 "});
  EXPECT_EQ(feed(*protocol, client_frame(0x89, "later") + close_frame(1001)), Events{});
  EXPECT_FALSE(protocol->in_message());
  EXPECT_EQ(protocol->peer_close().code(), 1000);
}

TEST(Rfc6455Close, EverythingBehindAFailureIsDiscarded) {
  const auto protocol = make_rfc6455(roomy, nullptr);
  EXPECT_EQ(feed(*protocol, client_frame(0x83, "") + text_frame("late")), fails_1002);
  EXPECT_EQ(feed(*protocol, text_frame("later") + close_frame(1000)), Events{});
  EXPECT_FALSE(protocol->in_message());
}

TEST(Rfc6455Close, AClosedConnectionMayStillSend) {
  const auto protocol = make_rfc6455(roomy, nullptr);
  feed(*protocol, close_frame(1000));
  Output out;
  protocol->send_close(protocol->peer_close(), out);
  EXPECT_EQ(sent(out), "\x88\x02\x03\xe8");
}

TEST(Rfc6455Close, BeforeACloseOrFailureThereIsNone) {
  const auto protocol = make_rfc6455(roomy, nullptr);
  EXPECT_FALSE(protocol->peer_close().code());
  EXPECT_EQ(protocol->failure().code, 0);
}

TEST(Rfc6455Close, TextsOfFailuresFitIntoACloseFrame) {
  for (const std::string& bytes :
       {client_frame(0x83, ""), "\x81\x05Hello"s, client_frame(0xc1, ""), close_frame(1005),
        client_frame(0x80, ""), client_frame(0x09, ""), text_frame("\xff"),
        close_frame(1000, "\xff"), client_header(0x81, 127, std::string(8, '\x7f'))}) {
    const auto protocol = make_rfc6455(roomy, nullptr);
    feed(*protocol, bytes);
    EXPECT_FALSE(protocol->failure().text.empty());
    EXPECT_LE(protocol->failure().text.size(), max_close_reason);
  }
}

// --- §7.4.1: 1009, the limit ------------------------------------------------------------------

TEST(Rfc6455Limit, AMessageOfExactlyTheLimitIsReceived) {
  EXPECT_EQ(receive(text_frame("12345678"), 8), Events{"text 12345678"});
  EXPECT_EQ(receive(client_frame(0x01, "1234") + client_frame(0x80, "5678"), 8),
            Events{"text 12345678"});
  EXPECT_EQ(receive(text_frame(""), 0), Events{"text "});
}

TEST(Rfc6455Limit, ServerFailsABiggerOneWith1009BeforeItsPayload) {
  EXPECT_EQ(receive(client_header(0x81, 9), 8), fails_1009);
  EXPECT_EQ(receive(client_header(0x82, 126, big_endian(126, 2)), 125), fails_1009);
  EXPECT_EQ(receive(client_header(0x82, 127, "\x7f"s + std::string(7, '\xff'))), fails_1009);
  EXPECT_EQ(receive(client_header(0x81, 1), 0), fails_1009);
}

TEST(Rfc6455Limit, ServerFailsTheFragmentThatAnnouncesTooMuchWith1009) {
  const std::string begun = client_frame(0x01, "1234") + client_frame(0x00, "567");
  EXPECT_EQ(receive(begun + client_header(0x80, 2), 8), fails_1009);
  EXPECT_EQ(receive(begun + client_frame(0x80, "8"), 8), Events{"text 12345678"});
}

TEST(Rfc6455Limit, ControlFramesDoNotCount) {
  EXPECT_EQ(
      receive(client_frame(0x01, "12") + client_frame(0x89, "ping") + client_frame(0x80, "34"), 4),
      (Events{"ping ping", "text 1234"}));
}

// --- §8.1: UTF-8 ------------------------------------------------------------------------------

TEST(Rfc6455Utf8, CharactersMayBeCutByFragments) {
  EXPECT_EQ(receive(client_frame(0x01, "\xe3") + client_frame(0x00, "\x81") +
                    client_frame(0x00, "") + client_frame(0x80, "\x82")),
            Events{"text あ"});
}

TEST(Rfc6455Utf8, ServerFailsATextThatIsNotUtf8With1007) {
  EXPECT_EQ(receive(text_frame("\xce\xba\xff")), fails_1007);
  EXPECT_EQ(receive(text_frame("ends inside \xe3\x81")), fails_1007);
  EXPECT_EQ(receive(client_frame(0x01, "\xe3\x81") + client_frame(0x80, "")), fails_1007);
  EXPECT_EQ(receive(client_frame(0x01, "\xe3\x81") + client_frame(0x80, "a")), fails_1007);
}

TEST(Rfc6455Utf8, BinaryMayBeAnything) {
  EXPECT_EQ(receive(binary_frame("\xff\xfe")), Events{"binary \xff\xfe"});
  EXPECT_EQ(receive(client_frame(0x02, "\xff") + client_frame(0x80, "\xe3")),
            Events{"binary \xff\xe3"});
}

// As Autobahn 6.4 asks: at the first byte that cannot stand there, not at the message's end.
TEST(Rfc6455Utf8, ServerFailsAtTheFirstBadByte) {
  const std::string text = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80 and more";
  const std::string one_frame = text_frame(text);
  const std::size_t bad = one_frame.size() - text.size() + 12;
  const auto protocol = make_rfc6455(roomy, nullptr);
  EXPECT_EQ(feed(*protocol, one_frame.substr(0, bad)), Events{});
  EXPECT_EQ(feed(*protocol, one_frame.substr(bad, 1)), fails_1007);
  // In the first of several fragments.
  EXPECT_EQ(receive(client_frame(0x01, text)), fails_1007);
  // In a further fragment, whose other bytes are not even there.
  const std::string begun = client_frame(0x01, text.substr(0, 11)) + client_header(0x00, 100);
  const auto masked = [](char c, std::size_t i) { return static_cast<char>(c ^ some_key[i]); };
  EXPECT_EQ(receive(begun + masked('\xf4', 0)), Events{});
  EXPECT_EQ(receive(begun + masked('\xf4', 0) + masked('\x90', 1)), fails_1007);
}

// --- the object -------------------------------------------------------------------------------

TEST(Rfc6455Object, AMessageIsTakenWithItsMemory) {
  const auto protocol = make_rfc6455(roomy, nullptr);
  std::string bytes = text_frame(std::string(1000, 'a'));
  std::span<char> input(bytes);
  ASSERT_EQ(protocol->receive(input), Event::message);
  EXPECT_EQ(Message(protocol->take_message()).size(), 1000U);
  EXPECT_TRUE(protocol->take_message().empty());
}

TEST(Rfc6455Object, LargePayloadsAreSentWithoutACopy) {
  const auto protocol = make_rfc6455(roomy, nullptr);
  std::string payload(Output::move_threshold, 'x');
  const char* const place = payload.data();
  Output out;
  protocol->send_message(Message::binary(std::move(payload)), true, out);
  std::array<std::string_view, 2> pieces;
  ASSERT_EQ(out.pieces(pieces.data(), pieces.size()), 2U);
  EXPECT_EQ(pieces[1].data(), place);
}

}  // namespace
}  // namespace cppwebsocket::protocol::test
