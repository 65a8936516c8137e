// A message that takes more than a turn's share is inflated in as many turns as it needs.
#include <gtest/gtest.h>

#include "protocol/frames/deflate.hpp"
#include "protocol/support/deflate_peer.hpp"
#include "protocol/support/wire.hpp"

namespace cppwebsocket::protocol::test {
namespace {

using Events = std::vector<std::string>;

constexpr std::size_t mebibyte = 1 << 20;
constexpr std::size_t step = 16 << 10;  // bytes of one call of zlib

class DeflateTurns : public testing::TestWithParam<DeflateParameters> {
 protected:
  std::string compress(std::string_view bytes) {
    Peer client(GetParam());
    return client.compress(bytes);
  }
  std::unique_ptr<Protocol> make(std::size_t max_message_size = mebibyte) {
    return make_rfc6455(max_message_size,
                        std::make_unique<PerMessageDeflate>(GetParam(), workspace_));
  }
  // Gives `bytes` to `protocol` in one turn. What it has not taken is left in `bytes`.
  Events turn(Protocol& protocol, std::string& bytes) {
    workspace_.share().begin_turn();
    Events events;
    std::span<char> input(bytes);
    while (true) {
      const Event event = protocol.receive(input);
      if (event == Event::none) break;
      events.push_back(describe(protocol, event));
    }
    bytes.assign(input.begin(), input.end());
    return events;
  }

  DeflateWorkspace workspace_;
};

TEST_P(DeflateTurns, ABombIsInflatedAShareAtATime) {
  const auto protocol = make();
  const std::string bomb = compress(std::string(mebibyte, '\0'));
  ASSERT_LT(bomb.size(), 1100U);
  Events events;
  EXPECT_EQ(feed(*protocol, client_frame(0xc2, bomb), events, &workspace_.share()), 5U);
  EXPECT_EQ(events, Events{"binary " + std::string(mebibyte, '\0')});
  EXPECT_FALSE(protocol->in_message());
}

TEST_P(DeflateTurns, OneTurnMakesAtMostTheShareAndAStepOfManyBombs) {
  const auto protocol = make();
  std::string bombs;
  Peer client(GetParam());
  for (int i = 0; i < 60; ++i)
    bombs += client_frame(0xc2, client.compress(std::string(50'000, 'a')));
  std::size_t turns = 0;
  std::size_t messages = 0;
  for (; !bombs.empty(); ++turns) {
    const std::size_t count = turn(*protocol, bombs).size();
    EXPECT_LE(count * 50'000, TurnShare::per_turn + step + 50'000);
    messages += count;
  }
  EXPECT_EQ(messages, 60U);
  EXPECT_GE(turns, 60U * 50'000 / (TurnShare::per_turn + step));
}

TEST_P(DeflateTurns, WhatIsUnfinishedHasOneByteLeftAndIsInTheMiddleOfAMessage) {
  const auto protocol = make();
  std::string bytes = client_frame(0xc2, compress(std::string(mebibyte, 'a')));
  EXPECT_TRUE(turn(*protocol, bytes).empty());
  EXPECT_EQ(bytes.size(), 1U);
  EXPECT_TRUE(protocol->in_message());
}

TEST_P(DeflateTurns, WithoutAShareNothingIsBegun) {
  const auto protocol = make();
  std::string bytes = client_frame(0xc1, compress("Hello")) + text_frame("plain");
  workspace_.share().count_compressed(TurnShare::per_turn);
  std::span<char> input(bytes);
  EXPECT_EQ(protocol->receive(input), Event::none);
  EXPECT_EQ(protocol->receive(input), Event::none);
  bytes.assign(input.begin(), input.end());
  EXPECT_EQ(turn(*protocol, bytes), (Events{"text Hello", "text plain"}));
}

TEST_P(DeflateTurns, ItsLastFrameMayBeEmptyAndItsHeaderMayComeInPieces) {
  const auto protocol = make();
  const std::string bomb = compress(std::string(mebibyte, 'a'));
  EXPECT_TRUE(feed(*protocol, client_frame(0x42, bomb), &workspace_.share()).empty());
  const std::string last = client_frame(0x80, "");
  EXPECT_TRUE(feed(*protocol, last.substr(0, 5), &workspace_.share()).empty());
  EXPECT_EQ(feed(*protocol, last.substr(5) + text_frame("next"), &workspace_.share()),
            (Events{"binary " + std::string(mebibyte, 'a'), "text next"}));
}

// Without context takeover they share a decompressor, which an unfinished message takes along.
TEST_P(DeflateTurns, OthersInflateMeanwhile) {
  const auto one = make();
  const auto two = make();
  Peer client_one(GetParam()), client_two(GetParam());
  for (int i = 0; i < 3; ++i) {
    std::string big = client_frame(0xc2, client_one.compress(std::string(mebibyte, 'a')));
    std::string small = client_frame(0xc1, client_two.compress("Hello"));
    EXPECT_TRUE(turn(*one, big).empty());
    EXPECT_EQ(turn(*two, small), Events{"text Hello"});
    EXPECT_TRUE(turn(*one, big).empty());
    EXPECT_EQ(feed(*one, big, &workspace_.share()),
              Events{"binary " + std::string(mebibyte, 'a')});
  }
}

TEST_P(DeflateTurns, AConnectionMayEndInTheMiddle) {
  {
    const auto protocol = make();
    std::string bytes = client_frame(0xc2, compress(std::string(mebibyte, 'a')));
    EXPECT_TRUE(turn(*protocol, bytes).empty());
  }
  const auto next = make();
  EXPECT_EQ(feed(*next, client_frame(0xc1, compress("Hello")), &workspace_.share()),
            Events{"text Hello"});
}

TEST_P(DeflateTurns, WhatIsWrongIsFoundInALaterTurnToo) {
  const std::string corrupt =
      compress(std::string(mebibyte - 1, 'a')) + "\x00\x00\xff\xff\xff"s;
  Events events;
  EXPECT_EQ(feed(*make(), client_frame(0xc2, corrupt), events, &workspace_.share()), 4U);
  EXPECT_EQ(events, Events{"failure 1007"});

  const std::string bomb = compress(std::string(2 * mebibyte, 'a'));
  events.clear();
  EXPECT_EQ(feed(*make(), client_frame(0xc2, bomb), events, &workspace_.share()), 5U);
  EXPECT_EQ(events, Events{"failure 1009"});

  const std::string text = compress(std::string(mebibyte - 2, 'a') + "\xe3\x81");
  EXPECT_EQ(feed(*make(), client_frame(0xc1, text), &workspace_.share()), Events{"failure 1007"});
  // And nothing of it is left behind.
  EXPECT_EQ(feed(*make(), client_frame(0xc1, compress("Hello")), &workspace_.share()),
            Events{"text Hello"});
}

TEST_P(DeflateTurns, BytesThatMakeNothingCostToo) {
  std::string blocks;  // empty ones, without compression
  for (int i = 0; i < 50'000; ++i) blocks += "\x00\x00\x00\xff\xff"s;
  blocks += "\x00"s;
  Events events;
  const std::size_t turns = feed(*make(), client_frame(0xc2, blocks), events, &workspace_.share());
  EXPECT_EQ(events, Events{"binary "});
  EXPECT_EQ(turns, blocks.size() * TurnShare::per_byte_read / TurnShare::per_turn + 1);
}

TEST_P(DeflateTurns, AMessageInPiecesIsHardlyLargerThanInOne) {
  const std::string words = samples()[6];
  Peer whole(GetParam());
  DeflateWorkspace shared;
  PerMessageDeflate one(GetParam(), shared), two(GetParam(), shared);
  std::string wire_one, wire_two;
  for (std::size_t at = 0; at < words.size(); at += TurnShare::compressed_at_once) {
    const std::string_view piece =
        std::string_view(words).substr(at, TurnShare::compressed_at_once);
    const bool ends = at + piece.size() == words.size();
    one.compress(piece, ends, wire_one);
    two.compress(piece, ends, wire_two);  // another connection's between them
  }
  EXPECT_EQ(wire_one, wire_two);
  EXPECT_LT(wire_one.size(), whole.compress(words).size() * 102 / 100);
  EXPECT_TRUE(Peer(GetParam()).inflate(wire_one) == words);
  std::string next;
  one.compress("Hello", true, next);
  if (GetParam().server_no_context_takeover) {
    EXPECT_EQ(Peer(GetParam()).inflate(next), "Hello");
  }
}

TEST_P(DeflateTurns, EverySampleIsTheSameInAnyNumberOfTurns) {
  Peer client(GetParam());
  const auto protocol = make();
  for (const std::string& sample : samples())
    EXPECT_TRUE(feed(*protocol, client_frame(0xc2, client.compress(sample)),
                     &workspace_.share()) == Events{"binary " + sample});
}

INSTANTIATE_TEST_SUITE_P(Takeover, DeflateTurns,
                         testing::Values(DeflateParameters{.server_max_window_bits = 12,
                                                           .client_max_window_bits = 12},
                                         no_takeover),
                         [](const auto& info) {
                           return info.param.client_no_context_takeover ? "Not" : "Kept";
                         });

}  // namespace
}  // namespace cppwebsocket::protocol::test
