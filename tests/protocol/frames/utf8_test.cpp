#include "protocol/frames/utf8.hpp"

#include <array>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace cppwebsocket::protocol {
namespace {

using namespace std::string_literals;

const std::string japanese = "日本語のテキストは三バイト文字です。";

// What the fast validators say, which must be one thing, whole and in pieces.
bool valid(std::string_view text) {
  const bool whole = is_utf8(text);
  Utf8Validator validator;
  EXPECT_EQ(validator.feed(text) && validator.complete(), whole);
  return whole;
}

std::string encode(char32_t c) {
  const auto tail = [c](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3f)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0 | c >> 6), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xe0 | c >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | c >> 18), tail(12), tail(6), tail(0)};
}

// --- RFC 3629 §3, §4 --------------------------------------------------------------------------

TEST(Utf8, AcceptsEveryCharacterAndNoSurrogate) {
  for (char32_t c = 0; c <= 0x10ffff; ++c) {
    const bool expected = c < 0xd800 || c > 0xdfff;
    ASSERT_EQ(is_utf8(encode(c)), expected) << std::hex << static_cast<unsigned>(c);
    ASSERT_EQ(plain::is_utf8(encode(c)), expected) << std::hex << static_cast<unsigned>(c);
  }
}

TEST(Utf8, RefusesWhatNoCharacterIs) {
  const std::vector<std::string> bad = {
      "\x80",
      "\xbf",
      "\xfe",
      "\xff",  // no lead
      "\xc0\x80",
      "\xc1\xbf",  // overlong
      "\xe0\x80\x80",
      "\xe0\x9f\xbf",  //
      "\xf0\x80\x80\x80",
      "\xf0\x8f\xbf\xbf",  //
      "\xed\xa0\x80",
      "\xed\xbf\xbf",  // surrogates
      "\xf4\x90\x80\x80",
      "\xf5\x80\x80\x80",  // above U+10FFFF
      "\xf8\x88\x80\x80\x80",
      "\xfc\x84\x80\x80\x80\x80",  // five and six bytes
      "\xc3",
      "\xe3\x81",
      "\xf0\x9f\x98",
      "\xe3\x81"
      "a",  // not ended
      "\xc3\xa9\xa9",
      "\xe3\x81\x82\x82",  // too long
  };
  for (const std::string& bytes : bad)
    for (const std::string& around : {""s, "a"s, std::string(100, 'a'), japanese + japanese}) {
      EXPECT_FALSE(valid(bytes));
      EXPECT_FALSE(valid(around + bytes));
      EXPECT_FALSE(valid(around + bytes + around + "."));
      EXPECT_FALSE(plain::is_utf8(around + bytes + around + "."));
    }
}

TEST(Utf8, AcceptsTheEmptyTextAndZeroBytes) {
  EXPECT_TRUE(valid(""));
  EXPECT_TRUE(valid(std::string(100, '\0')));
}

// --- fast = plain -----------------------------------------------------------------------------

// Every place of a character in a vector, with every length of text around it.
TEST(Utf8, JudgesACharacterAlikeAtEveryPlace) {
  const std::vector<std::string> parts = {"é",
                                          "あ",
                                          "😀",
                                          "\xed\x9f\xbf",
                                          "\xf4\x8f\xbf\xbf",
                                          "\xc3",
                                          "\xe3",
                                          "\xe3\x81",
                                          "\xf0\x9f\x98",
                                          "\x80",
                                          "\xc0\x80",
                                          "\xed\xa0\x80",
                                          "\xf4\x90\x80\x80"};
  // What begins with ASCII and what does not goes different ways.
  for (const std::string& front : {""s, "é"s})
    for (const std::string& part : parts)
      for (std::size_t before = 0; before < 140; ++before)
        for (std::size_t after = 0; after < 140; after += after < 4 ? 1 : 17) {
          const std::string text =
              front + std::string(before, 'a') + part + std::string(after, 'z');
          ASSERT_EQ(valid(text), plain::is_utf8(text)) << front << before << part << after;
        }
}

TEST(Utf8, EqualsThePlainVersionForAllPairsOfBytesInAWideText) {
  std::string text = japanese + japanese + japanese;
  for (const std::size_t at : {63UL, 64UL, 95UL, text.size() - 2}) {
    std::string changed = text;
    for (unsigned a = 0; a < 256; ++a)
      for (unsigned b = 0; b < 256; ++b) {
        changed[at] = static_cast<char>(a);
        changed[at + 1] = static_cast<char>(b);
        ASSERT_EQ(is_utf8(changed), plain::is_utf8(changed)) << at << " " << a << " " << b;
      }
  }
}

TEST(Utf8, EqualsThePlainVersionForRandomTextsWithRandomErrors) {
  std::mt19937 random(2);
  const std::array<std::string, 6> parts = {"a", "ASCII, much of it, and more", "é", "漢", "𝄞",
                                            "字"};
  for (int turn = 0; turn < 100'000; ++turn) {
    std::string text;
    for (unsigned count = random() % 60; count > 0; --count) text += parts[random() % parts.size()];
    if (!text.empty() && random() % 2) text[random() % text.size()] = static_cast<char>(random());
    if (!text.empty() && random() % 4 == 0) text.resize(random() % text.size());
    ASSERT_EQ(valid(text), plain::is_utf8(text)) << text;
  }
}

// --- RFC 6455 §8.1: in pieces -----------------------------------------------------------------

TEST(Utf8Validator, AcceptsCharactersCutAnywhere) {
  const std::string text = japanese + "é😀 and ASCII " + std::string(90, '-') + japanese + japanese;
  for (std::size_t first = 0; first <= text.size(); ++first)
    for (std::size_t second = first; second <= text.size(); ++second) {
      Utf8Validator validator;
      ASSERT_TRUE(validator.feed(std::string_view(text).substr(0, first)));
      ASSERT_TRUE(validator.feed(std::string_view(text).substr(first, second - first)));
      ASSERT_TRUE(validator.feed(std::string_view(text).substr(second)));
      ASSERT_TRUE(validator.complete());
    }
}

TEST(Utf8Validator, FailsAtTheFirstByteThatCannotStandThere) {
  struct Case {
    std::string text;
    std::size_t fails_at;
  };
  const std::vector<Case> cases = {
      {"\x80", 0},
      {"\xc0\x80", 0},
      {"\xf5\x80\x80\x80", 0},
      {"\xe0\x9f\x80", 1},
      {"\xed\xa0\x80", 1},
      {"\xf0\x8f\x80\x80", 1},
      {"\xf4\x90\x80\x80", 1},
      {"\xe3\x81z", 2},
      {"\xf0\x9f\x98z", 3},
      // Autobahn 6.4: κόσμε, then a character above U+10FFFF.
      {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80"
       "edited",
       12},
  };
  for (const Case& c : cases) {
    Utf8Validator validator;
    for (std::size_t i = 0; i < c.fails_at; ++i)
      EXPECT_TRUE(validator.feed(c.text.substr(i, 1))) << c.text << " " << i;
    EXPECT_FALSE(validator.feed(c.text.substr(c.fails_at, 1))) << c.text;
    EXPECT_FALSE(validator.feed("a")) << "stays invalid";
    EXPECT_FALSE(validator.feed(std::string(100, 'a'))) << "stays invalid";
    EXPECT_FALSE(validator.feed("")) << "stays invalid";
    EXPECT_FALSE(validator.complete());
    validator.reset();
    EXPECT_TRUE(validator.feed("a"));
  }
}

TEST(Utf8Validator, AWidePieceThatBreaksTheCharacterBeforeItFails) {
  for (const std::string& begun : {"\xe3"s, "\xe3\x81"s, "\xf0\x9f\x98"s}) {
    Utf8Validator validator;
    EXPECT_TRUE(validator.feed(begun));
    EXPECT_FALSE(validator.complete());
    EXPECT_FALSE(validator.feed(japanese + japanese));
  }
}

// --- replacing --------------------------------------------------------------------------------

TEST(ReplaceInvalidUtf8, LeavesValidTextAlone) {
  for (const std::string& text : {""s, "abc"s, japanese, "é😀"s, std::string(3, '\0')})
    EXPECT_EQ(replace_invalid_utf8(text), text);
}

// Unicode §3.9, tables 3-8 to 3-11: one U+FFFD for each maximal subpart.
TEST(ReplaceInvalidUtf8, ReplacesMaximalSubparts) {
  struct Case {
    std::string bytes;
    std::string expected;
  };
  const std::string r = "\ufffd";
  const std::vector<Case> cases = {
      {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82"
       "A",
       r + r + r + r + r + r + r + r + "A"},
      {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf"
       "A",
       r + r + r + r + r + r + r + r + "A"},
      {"\xf4\x91\x92\x93\xff"
       "A\x80\xbf"
       "B",
       r + r + r + r + r + "A" + r + r + "B"},
      {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
       "A",
       r + r + r + r + "A"},
      {"ab\xe3\x81", "ab" + r},
      {"\xe3\x81\xe3\x81\x82", r + "あ"},
      {"\xe3\xff\x82", r + r + r},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(replace_invalid_utf8(c.bytes), c.expected);
    EXPECT_TRUE(plain::is_utf8(replace_invalid_utf8(c.bytes)));
  }
}

}  // namespace
}  // namespace cppwebsocket::protocol
