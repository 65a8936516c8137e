#include "protocol/mask.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

#include "protocol/cpu.hpp"

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

// All of the following work in place on whole words, whose first byte meets key[0], and move
// `at` behind what they did.

template <typename Word>
void mask_words(char*& at, const char* end, Word key) noexcept {
  for (; end - at >= static_cast<std::ptrdiff_t>(sizeof(Word)); at += sizeof(Word)) {
    Word word;
    std::memcpy(&word, at, sizeof word);
    word ^= key;
    std::memcpy(at, &word, sizeof word);
  }
}

#if CPPWEBSOCKET_X86

void mask_sse2(char*& at, const char* end, std::uint32_t key) noexcept {
  const __m128i keys = _mm_set1_epi32(static_cast<int>(key));
  for (; end - at >= 16; at += 16) {
    auto* const place = reinterpret_cast<__m128i*>(at);
    _mm_storeu_si128(place, _mm_xor_si128(_mm_loadu_si128(place), keys));
  }
}

__attribute__((target("avx2"))) void mask_avx2(char*& at, const char* end,
                                               std::uint32_t key) noexcept {
  const __m256i keys = _mm256_set1_epi32(static_cast<int>(key));
  for (; end - at >= 128; at += 128) {
    auto* const place = reinterpret_cast<__m256i*>(at);
    const __m256i a = _mm256_xor_si256(_mm256_loadu_si256(place), keys);
    const __m256i b = _mm256_xor_si256(_mm256_loadu_si256(place + 1), keys);
    const __m256i c = _mm256_xor_si256(_mm256_loadu_si256(place + 2), keys);
    const __m256i d = _mm256_xor_si256(_mm256_loadu_si256(place + 3), keys);
    _mm256_storeu_si256(place, a);
    _mm256_storeu_si256(place + 1, b);
    _mm256_storeu_si256(place + 2, c);
    _mm256_storeu_si256(place + 3, d);
  }
}

#endif

}  // namespace

void apply_mask(std::span<char> bytes, MaskingKey key, std::size_t offset) noexcept {
  char* at = bytes.data();
  const char* const end = at + bytes.size();
  std::uint32_t word;
  std::memcpy(&word, key.data(), sizeof word);
  const int turn = static_cast<int>(offset % 4) * 8;
  word = std::endian::native == std::endian::little ? std::rotr(word, turn) : std::rotl(word, turn);
#if CPPWEBSOCKET_X86
  if (bytes.size() >= 256 && has_avx2()) mask_avx2(at, end, word);
  mask_sse2(at, end, word);
#endif
  mask_words(at, end, std::uint64_t{word} << 32 | word);
  mask_words(at, end, word);
  std::memcpy(key.data(), &word, sizeof word);
  for (std::size_t i = 0; at != end; ++at, ++i)
    *at = static_cast<char>(static_cast<unsigned char>(*at) ^ key[i]);
}

}  // namespace cppwebsocket::protocol
