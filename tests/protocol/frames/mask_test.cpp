#include "protocol/frames/mask.hpp"

#include <string>

#include <gtest/gtest.h>

namespace cppwebsocket::protocol {
namespace {

constexpr MaskingKey key{0x12, 0xab, 0x00, 0xff};

std::string some_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 256);
  return bytes;
}

// RFC 6455 §5.7: a single-frame masked text message.
TEST(Mask, UnmasksTheExampleOfTheRfc) {
  std::string bytes = "\x7f\x9f\x4d\x51\x58";
  apply_mask(bytes, {0x37, 0xfa, 0x21, 0x3d});
  EXPECT_EQ(bytes, "Hello");
}

TEST(Mask, EqualsThePlainVersionForEverySizeOffsetAndAlignment) {
  for (std::size_t size = 0; size < 600; ++size)
    for (std::size_t offset = 0; offset < 5; ++offset)
      for (const std::size_t start : {0, 1, 2, 3, 8, 15, 31}) {
        std::string fast = some_bytes(start + size + 1);
        std::string slow = fast;
        apply_mask({fast.data() + start, size}, key, offset);
        plain::apply_mask({slow.data() + start, size}, key, offset);
        ASSERT_EQ(fast, slow) << size << " bytes, offset " << offset << ", start " << start;
      }
}

TEST(Mask, EqualsThePlainVersionForLargeSizes) {
  for (const std::size_t size : {4095, 4096, 4097, 65536, 1 << 20}) {
    std::string fast = some_bytes(size);
    std::string slow = fast;
    apply_mask(fast, key, 3);
    plain::apply_mask(slow, key, 3);
    EXPECT_TRUE(fast == slow) << size;
  }
}

TEST(Mask, InPiecesEqualsInOne) {
  std::string whole = some_bytes(1000);
  std::string pieces = whole;
  apply_mask(whole, key);
  std::size_t at = 0;
  for (std::size_t size = 1; at < pieces.size(); size = size * 3 % 71 + 1) {
    const std::size_t count = std::min(size, pieces.size() - at);
    apply_mask({pieces.data() + at, count}, key, at);
    at += count;
  }
  EXPECT_EQ(pieces, whole);
}

// Small ones and large ones go different ways.
TEST(Mask, AppendingEqualsMaskingInPlace) {
  for (const std::size_t size : {0, 1, 20, 2047, 2048, 2049, 4096, 5001, 70'000})
    for (std::size_t offset = 0; offset < 4; ++offset) {
      std::string expected = some_bytes(size);
      plain::apply_mask(expected, key, offset);
      std::string bytes = some_bytes(size);
      std::string out = "before";
      append_masked(out, bytes, key, offset);
      EXPECT_TRUE(out == "before" + expected) << size << " " << offset;
    }
}

TEST(Mask, AppendingTellsOfEachByteThatIsNotAscii) {
  for (const std::size_t size : {1, 3, 4, 7, 20, 127, 300, 2049, 5001})
    for (std::size_t at = 0; at < size; at += size < 500 ? 1 : 97) {
      std::string ascii(size, 'a');
      std::string other = ascii;
      other[at] = '\x80';
      plain::apply_mask(ascii, key, 1);
      plain::apply_mask(other, key, 1);
      std::string out = "\xff";  // what was there before does not count
      EXPECT_TRUE(append_masked(out, ascii, key, 1)) << size;
      EXPECT_FALSE(append_masked(out, other, key, 1)) << size << " " << at;
    }
}

TEST(Mask, AppendingManyPiecesGrowsTheStringByFactors) {
  std::string out;
  std::string piece = some_bytes(5000);
  std::size_t moves = 0;
  for (int i = 0; i < 1000; ++i) {
    const char* const place = out.data();
    append_masked(out, piece, key);
    moves += out.data() != place;
  }
  EXPECT_EQ(out.size(), 5'000'000U);
  EXPECT_LT(moves, 20U);
}

TEST(Mask, TwiceIsNothing) {
  std::string bytes = some_bytes(333);
  apply_mask(bytes, key, 1);
  EXPECT_NE(bytes, some_bytes(333));
  apply_mask(bytes, key, 1);
  EXPECT_EQ(bytes, some_bytes(333));
}

}  // namespace
}  // namespace cppwebsocket::protocol
