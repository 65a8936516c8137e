// The lookup algorithm of J. Keiser and D. Lemire, "Validating UTF-8 In Less Than One Instruction
// Per Byte" (2020). Every error but two shows in a pair of neighbouring bytes, and there in the
// nibbles of the first and the high nibble of the second: three table lookups, whose AND names the
// errors that all three agree on. What is left is whether third and fourth bytes stand where,
// and only where, a lead byte wants them.
#include "protocol/frames/utf8_avx2.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "protocol/frames/cpu.hpp"

#if CPPWEBSOCKET_X86
#include <immintrin.h>
#endif

namespace cppwebsocket::protocol {

#if CPPWEBSOCKET_X86

namespace {

// Pairs of bytes that no UTF-8 has: a first byte from `first_from` to `first_to`, then a second.
// The bit means error, except for the one of two continuations, which may be right (see below).
struct BadPair {
  std::uint8_t bit;
  unsigned first_from, first_to, second_from, second_to;
};

constexpr std::uint8_t two_continuations = 1 << 7;

constexpr BadPair bad_pairs[] = {
    {1 << 0, 0xc0, 0xff, 0x00, 0x7f},  // a lead without its continuation
    {1 << 0, 0xc0, 0xff, 0xc0, 0xff},
    {1 << 1, 0x00, 0x7f, 0x80, 0xbf},  // a continuation without a lead
    {1 << 2, 0xe0, 0xe0, 0x80, 0x9f},  // overlong: three bytes
    {1 << 3, 0xf4, 0xff, 0x90, 0xbf},  // above U+10FFFF
    {1 << 4, 0xed, 0xed, 0xa0, 0xbf},  // surrogates
    {1 << 5, 0xc0, 0xc1, 0x80, 0xbf},  // overlong: two bytes
    {1 << 6, 0xf5, 0xff, 0x80, 0x8f},  // above U+10FFFF
    {1 << 6, 0xf0, 0xf0, 0x80, 0x8f},  // overlong: four bytes
    {two_continuations, 0x80, 0xbf, 0x80, 0xbf},
};

struct Tables {
  std::array<std::uint8_t, 16> first_high{}, first_low{}, second_high{};
};

constexpr Tables tables = [] {
  Tables made;
  for (const BadPair& pair : bad_pairs) {
    for (unsigned first = pair.first_from; first <= pair.first_to; ++first) {
      made.first_high[first >> 4] |= pair.bit;
      made.first_low[first & 15] |= pair.bit;
    }
    for (unsigned second = pair.second_from; second <= pair.second_to; ++second)
      made.second_high[second >> 4] |= pair.bit;
  }
  return made;
}();

#define CPPWEBSOCKET_AVX2 __attribute__((target("avx2"), always_inline)) inline

CPPWEBSOCKET_AVX2 __m256i all_bytes(unsigned value) noexcept {
  return _mm256_set1_epi8(static_cast<char>(value));
}

CPPWEBSOCKET_AVX2 __m256i load(const char* from) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

CPPWEBSOCKET_AVX2 __m256i look_up(const std::array<std::uint8_t, 16>& table,
                                  __m256i nibbles) noexcept {
  const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data()));
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(half), nibbles);
}

CPPWEBSOCKET_AVX2 __m256i high_nibbles(__m256i bytes) noexcept {
  return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), all_bytes(0x0f));
}

// `block` moved up by `count` bytes, filled with the last ones of the block before it.
template <int count>
CPPWEBSOCKET_AVX2 __m256i shifted(__m256i block, __m256i before) noexcept {
  return _mm256_alignr_epi8(block, _mm256_permute2x128_si256(before, block, 0x21), 16 - count);
}

// Non-zero where `block`, which follows `before`, cannot go on.
CPPWEBSOCKET_AVX2 __m256i errors(__m256i block, __m256i before) noexcept {
  const __m256i first = shifted<1>(block, before);
  const __m256i pairs = _mm256_and_si256(
      _mm256_and_si256(look_up(tables.first_high, high_nibbles(first)),
                       look_up(tables.first_low, _mm256_and_si256(first, all_bytes(0x0f)))),
      look_up(tables.second_high, high_nibbles(block)));
  // The high bit wherever a third or fourth byte has to be: there two continuations are right.
  const __m256i third = _mm256_subs_epu8(shifted<2>(block, before), all_bytes(0xe0 - 0x80));
  const __m256i fourth = _mm256_subs_epu8(shifted<3>(block, before), all_bytes(0xf0 - 0x80));
  const __m256i wanted =
      _mm256_and_si256(_mm256_or_si256(third, fourth), all_bytes(two_continuations));
  return _mm256_xor_si256(wanted, pairs);
}

// Non-zero if a character begins in `block` that does not end there.
CPPWEBSOCKET_AVX2 __m256i unfinished(__m256i block) noexcept {
  const auto last = [](unsigned lead) { return static_cast<char>(lead - 1); };
  const __m256i most =
      _mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                       -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, last(0xf0), last(0xe0), last(0xc0));
  return _mm256_subs_epu8(block, most);
}

constexpr std::size_t text_block_size = 32;

}  // namespace

__attribute__((target("avx2"))) bool is_utf8_avx2(std::string_view text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  __m256i error = _mm256_setzero_si256();
  __m256i before = _mm256_setzero_si256();
  for (; end - at >= static_cast<std::ptrdiff_t>(2 * text_block_size); at += 2 * text_block_size) {
    const __m256i first = load(at);
    const __m256i second = load(at + text_block_size);
    if (_mm256_movemask_epi8(_mm256_or_si256(first, second)) == 0) {
      error = _mm256_or_si256(error, unfinished(before));
    } else {
      error = _mm256_or_si256(error, errors(first, before));
      error = _mm256_or_si256(error, errors(second, first));
      if (!_mm256_testz_si256(error, error)) return false;
    }
    before = second;
  }
  // The rest, with zeros behind it: they show a character that does not end.
  while (true) {
    std::array<char, text_block_size> rest{};
    const std::size_t count = std::min(text_block_size, static_cast<std::size_t>(end - at));
    if (count != 0) std::memcpy(rest.data(), at, count);
    at += count;
    const __m256i block = load(rest.data());
    error = _mm256_or_si256(error, errors(block, before));
    before = block;
    if (count < text_block_size) break;
  }
  return _mm256_testz_si256(error, error) != 0;
}

#else

bool is_utf8_avx2(std::string_view) noexcept { return false; }

#endif

}  // namespace cppwebsocket::protocol
