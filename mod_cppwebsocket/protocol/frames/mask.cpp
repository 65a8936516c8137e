#include "protocol/frames/mask.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "protocol/frames/cpu.hpp"

#if CPPWEBSOCKET_X86
#include <immintrin.h>
#endif

namespace cppwebsocket::protocol {

namespace plain {

void apply_mask(std::span<char> bytes, MaskingKey key, std::size_t offset) noexcept {
  // RFC 6455 §5.3: octet i of the payload meets octet i mod 4 of the key.
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) ^ key[(offset + i) % 4]);
}

}  // namespace plain

namespace {

constexpr std::size_t worth_avx2 = 256;  // bytes

// Bytes that are made room for, and overwritten while the first cache still has them: a string
// fills what it grows by.
constexpr std::size_t block_size = 2048;

constexpr std::uint64_t high_bits = 0x8080'8080'8080'8080;

// Each of these masks whole words of `size` bytes from `from` to `to`, which may be the same, and
// returns how many bytes that were. The first byte meets the key's first. `is_ascii` turns false if
// one of the results is not.

template <typename Word>
std::size_t mask_words(const char* from, char* to, std::size_t size, Word key,
                       bool& is_ascii) noexcept {
  Word seen = 0;
  std::size_t i = 0;
  for (; size - i >= sizeof(Word); i += sizeof(Word)) {
    Word word;
    std::memcpy(&word, from + i, sizeof word);
    word ^= key;
    seen |= word;
    std::memcpy(to + i, &word, sizeof word);
  }
  if (seen & static_cast<Word>(high_bits)) is_ascii = false;
  return i;
}

#if CPPWEBSOCKET_X86

std::size_t mask_sse2(const char* from, char* to, std::size_t size, std::uint32_t key,
                      bool& is_ascii) noexcept {
  const __m128i keys = _mm_set1_epi32(static_cast<int>(key));
  __m128i seen = _mm_setzero_si128();
  std::size_t i = 0;
  for (; size - i >= 16; i += 16) {
    const __m128i bytes =
        _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)), keys);
    seen = _mm_or_si128(seen, bytes);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), bytes);
  }
  if (_mm_movemask_epi8(seen) != 0) is_ascii = false;
  return i;
}

__attribute__((target("avx2"))) std::size_t mask_avx2(const char* from, char* to, std::size_t size,
                                                      std::uint32_t key, bool& is_ascii) noexcept {
  const __m256i keys = _mm256_set1_epi32(static_cast<int>(key));
  __m256i seen = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; size - i >= 128; i += 128) {
    const auto* const in = reinterpret_cast<const __m256i*>(from + i);
    auto* const out = reinterpret_cast<__m256i*>(to + i);
    const __m256i a = _mm256_xor_si256(_mm256_loadu_si256(in), keys);
    const __m256i b = _mm256_xor_si256(_mm256_loadu_si256(in + 1), keys);
    const __m256i c = _mm256_xor_si256(_mm256_loadu_si256(in + 2), keys);
    const __m256i d = _mm256_xor_si256(_mm256_loadu_si256(in + 3), keys);
    _mm256_storeu_si256(out, a);
    _mm256_storeu_si256(out + 1, b);
    _mm256_storeu_si256(out + 2, c);
    _mm256_storeu_si256(out + 3, d);
    seen = _mm256_or_si256(seen, _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d)));
  }
  if (_mm256_movemask_epi8(seen) != 0) is_ascii = false;
  return i;
}

#endif

bool mask(const char* from, char* to, std::size_t size, MaskingKey key,
          std::size_t offset) noexcept {
  std::uint32_t word;
  std::memcpy(&word, key.data(), sizeof word);
  const int turn = static_cast<int>(offset % 4) * 8;
  word = std::endian::native == std::endian::little ? std::rotr(word, turn) : std::rotl(word, turn);
  bool is_ascii = true;
  std::size_t i = 0;
#if CPPWEBSOCKET_X86
  if (size >= worth_avx2 && has_avx2()) i = mask_avx2(from, to, size, word, is_ascii);
  i += mask_sse2(from + i, to + i, size - i, word, is_ascii);
#endif
  i += mask_words(from + i, to + i, size - i, std::uint64_t{word} << 32 | word, is_ascii);
  i += mask_words(from + i, to + i, size - i, word, is_ascii);
  std::memcpy(key.data(), &word, sizeof word);
  for (std::size_t k = 0; i < size; ++i, ++k) {
    const auto byte = static_cast<unsigned char>(static_cast<unsigned char>(from[i]) ^ key[k]);
    to[i] = static_cast<char>(byte);
    if (byte & 0x80) is_ascii = false;
  }
  return is_ascii;
}

}  // namespace

void apply_mask(std::span<char> bytes, MaskingKey key, std::size_t offset) noexcept {
  mask(bytes.data(), bytes.data(), bytes.size(), key, offset);
}

bool append_masked(std::string& out, std::span<char> bytes, MaskingKey key, std::size_t offset) {
  if (bytes.size() <= block_size) {
    const bool is_ascii = mask(bytes.data(), bytes.data(), bytes.size(), key, offset);
    out.append(bytes.data(), bytes.size());
    return is_ascii;
  }
  if (out.capacity() - out.size() < bytes.size())
    out.reserve(std::max(out.size() + bytes.size(), 2 * out.capacity()));
  bool is_ascii = true;
  static_assert(block_size % 4 == 0, "each block meets the key at the same place");
  for (std::size_t at = 0; at < bytes.size(); at += block_size) {
    const std::size_t count = std::min(block_size, bytes.size() - at);
    out.resize(out.size() + count);
    is_ascii &= mask(bytes.data() + at, out.data() + out.size() - count, count, key, offset);
  }
  return is_ascii;
}

}  // namespace cppwebsocket::protocol
