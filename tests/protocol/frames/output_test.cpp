#include "protocol/frames/output.hpp"

#include <array>
#include <random>

#include <gtest/gtest.h>

#include "protocol/support/wire.hpp"

namespace cppwebsocket::protocol {
namespace {

using test::sent;

std::size_t count_pieces(const Output& output) {
  std::array<std::string_view, 64> pieces;
  return output.pieces(pieces.data(), pieces.size());
}

TEST(Output, GathersSmallPiecesIntoOne) {
  Output output;
  for (int i = 0; i < 100; ++i) {
    output.append(std::string_view("head"));
    output.append(std::string("payload"));
  }
  EXPECT_EQ(output.size(), 1100U);
  EXPECT_EQ(count_pieces(output), 1U);
}

TEST(Output, MovesLargePayloadsAndKeepsTheOrder) {
  Output output;
  std::string large(Output::move_threshold, 'x');
  const char* const place = large.data();
  output.append(std::string_view("before"));
  output.append(std::move(large));
  output.append(std::string_view("after"));
  std::array<std::string_view, 4> pieces;
  ASSERT_EQ(output.pieces(pieces.data(), pieces.size()), 3U);
  EXPECT_EQ(pieces[0], "before");
  EXPECT_EQ(pieces[1].data(), place);
  EXPECT_EQ(pieces[2], "after");
}

TEST(Output, AHeaderGoesWithItsPayload) {
  Output output;
  output.append("h", std::string("small"));
  output.append("h", std::string());
  output.append("", std::string());
  EXPECT_EQ(count_pieces(output), 1U);
  std::string large(Output::move_threshold, 'x');
  const char* const place = large.data();
  output.append("h", std::move(large));
  std::array<std::string_view, 4> pieces;
  ASSERT_EQ(output.pieces(pieces.data(), pieces.size()), 2U);
  EXPECT_EQ(pieces[0], "hsmallhh");
  EXPECT_EQ(pieces[1].data(), place);
  EXPECT_EQ(output.size(), 8 + Output::move_threshold);
}

TEST(Output, GivesNoMorePiecesThanAsked) {
  Output output;
  for (int i = 0; i < 5; ++i) output.append(std::string(Output::move_threshold, 'x'));
  std::array<std::string_view, 2> pieces;
  EXPECT_EQ(output.pieces(pieces.data(), pieces.size()), 2U);
}

TEST(Output, EmptyPiecesAreNoPieces) {
  Output output;
  output.append(std::string_view());
  output.append(std::string());
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(count_pieces(output), 0U);
}

TEST(Output, KeepsOneCapacityWhenAllIsSent) {
  Output output;
  output.append(std::string_view("a little more than a small string holds in itself"));
  std::string_view piece;
  output.pieces(&piece, 1);
  const char* const place = piece.data();
  output.append(std::string(Output::move_threshold, 'x'));
  output.consume(output.size());
  EXPECT_TRUE(output.empty());
  output.append(std::string_view("again more than a small string holds in itself"));
  output.pieces(&piece, 1);
  EXPECT_EQ(piece.data(), place);
}

TEST(Output, LendsItsCapacityBySwap) {
  Output lent;
  lent.append(std::string_view("something that needs memory, so that there is some to lend"));
  std::string_view piece;
  lent.pieces(&piece, 1);
  const char* const place = piece.data();
  lent.clear();
  Output output;
  std::swap(output, lent);
  output.append(std::string_view("something else that needs memory too, the same"));
  output.pieces(&piece, 1);
  EXPECT_EQ(piece.data(), place);
  EXPECT_TRUE(lent.empty());
}

TEST(Output, ALargeCopyIsSentToo) {
  Output output;
  const std::string large(5 * Output::gathered_size, 'y');
  output.append(std::string_view("x"));
  output.append(std::string_view(large));
  EXPECT_TRUE(sent(output) == std::string("x").append(large));
}

// Whatever is appended and consumed, what comes out is what went in.
TEST(Output, BehavesLikeOneLongString) {
  std::mt19937 random(1);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  Output output;
  std::string expected;
  char next = 0;
  for (int turn = 0; turn < 4000; ++turn) {
    const std::size_t size = below(20) == 0 ? Output::move_threshold + below(100) : below(3000);
    const std::string bytes(size, ++next);
    expected += bytes;
    if (below(2) == 0)
      output.append(std::string(bytes));
    else
      output.append(std::string_view(bytes));
    ASSERT_EQ(output.size(), expected.size());
    const std::size_t count = below(8) == 0 ? expected.size() : below(expected.size() / 4 + 1);
    output.consume(count);
    expected.erase(0, count);
    ASSERT_EQ(sent(output), expected);
  }
}

// A string that grew without end would be copied again and again.
TEST(Output, GathersOnlySoMuchInOnePiece) {
  Output output;
  for (int i = 0; i < 1000; ++i) output.append(std::string(1000, 'x'));
  std::array<std::string_view, 64> pieces;
  const std::size_t count = output.pieces(pieces.data(), pieces.size());
  EXPECT_GE(count, 1'000'000 / Output::gathered_size);
  for (std::size_t i = 0; i < count; ++i) EXPECT_LE(pieces[i].size(), Output::gathered_size);
}

TEST(Output, MayNeverBecomeEmpty) {
  Output output;
  output.append(std::string_view("0"));
  for (char c = 'a'; c <= 'z'; ++c) {
    for (int i = 0; i < 20; ++i) {
      output.append(std::string(Output::move_threshold, c));
      output.consume(Output::move_threshold);
      ASSERT_EQ(output.size(), 1U);
      ASSERT_EQ(sent(output), std::string(1, c));
    }
  }
}

}  // namespace
}  // namespace cppwebsocket::protocol
