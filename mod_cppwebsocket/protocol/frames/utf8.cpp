#include "protocol/frames/utf8.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "protocol/frames/cpu.hpp"
#include "protocol/frames/utf8_automaton.hpp"
#include "protocol/frames/utf8_avx2.hpp"

#if CPPWEBSOCKET_X86
#include <emmintrin.h>
#endif

namespace cppwebsocket::protocol {

namespace plain {

// Decodes, as RFC 3629 §3 describes it; no table and no automaton, so that it can judge them.
bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    if (lead < 0x80) continue;
    const std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc0 || lead > 0xf7 || text.size() - i < more) return false;
    std::uint32_t character = lead & (0x3fU >> more);
    for (const std::size_t end = i + more; i < end; ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if ((byte & 0xc0) != 0x80) return false;
      character = character << 6 | (byte & 0x3f);
    }
    const std::uint32_t least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
    if (character < least || character > 0x10ffff) return false;
    if (character >= 0xd800 && character <= 0xdfff) return false;
  }
  return true;
}

}  // namespace plain

namespace {

// From here on the set-up of the wide loops pays.
constexpr std::size_t worth_utf8_avx2 = 64;  // bytes

constexpr std::size_t word_size = sizeof(std::uint64_t);
constexpr std::uint64_t text_high_bits = 0x8080808080808080U;

std::uint64_t load_word(const char* from) noexcept {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Bytes at the front of `text` that are surely ASCII: all, or a multiple of the vector's size.
std::size_t ascii_prefix(std::string_view text) noexcept {
  const char* const start = text.data();
  std::size_t i = 0;
#if CPPWEBSOCKET_X86
  const auto load = [start](std::size_t at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(start + at));
  };
  for (; text.size() - i >= 64; i += 64) {
    const __m128i all =
        _mm_or_si128(_mm_or_si128(load(i), load(i + 16)), _mm_or_si128(load(i + 32), load(i + 48)));
    if (_mm_movemask_epi8(all) != 0) break;
  }
  for (; text.size() - i >= 16; i += 16)
    if (_mm_movemask_epi8(load(i)) != 0) return i;
#endif
  for (; text.size() - i >= word_size; i += word_size)
    if (load_word(start + i) & text_high_bits) return i;
  if (i == text.size()) return i;
  if (i >= word_size) {  // the last word, overlapping what was seen
    return load_word(start + text.size() - word_size) & text_high_bits ? i : text.size();
  }
  const auto is_ascii = [](char byte) { return static_cast<unsigned char>(byte) < 0x80; };
  return std::all_of(text.begin() + i, text.end(), is_ascii) ? text.size() : i;
}

// The automaton over ASCII mixed with other characters: whole vectors of ASCII are skipped.
utf8::State run_mixed(utf8::State state, std::string_view text) noexcept {
  constexpr std::size_t stride = 32;  // bytes between two looks for ASCII
  while (!text.empty()) {
    if (state == utf8::between) text.remove_prefix(ascii_prefix(text));
    const std::size_t count = std::min(stride, text.size());
    state = utf8::run(state, text.substr(0, count));
    if (state == utf8::invalid) break;
    text.remove_prefix(count);
  }
  return state;
}

}  // namespace

std::size_t unfinished_tail(std::string_view text) noexcept {
  for (std::size_t count = 1; count <= 3 && count <= text.size(); ++count) {
    const auto byte = static_cast<unsigned char>(text[text.size() - count]);
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return count < length ? count : 0;
  }
  return 0;
}

bool Utf8Validator::feed(std::string_view piece) noexcept {
  if (state_ == utf8::between) piece.remove_prefix(ascii_prefix(piece));
  if (piece.size() >= worth_utf8_avx2 && has_avx2()) {
    std::size_t count = 0;  // ends the character that the last piece began
    while (count < 3 && state_ != utf8::between && state_ != utf8::invalid)
      state_ = utf8::step(state_, piece[count++]);
    piece.remove_prefix(count);
    if (state_ != utf8::between) return false;
    const std::size_t tail = unfinished_tail(piece);
    if (!is_utf8_avx2(piece.substr(0, piece.size() - tail))) {
      state_ = utf8::invalid;
      return false;
    }
    piece.remove_prefix(piece.size() - tail);
  }
  state_ = run_mixed(state_, piece);
  return state_ != utf8::invalid;
}

bool is_utf8(std::string_view text) noexcept {
  text.remove_prefix(ascii_prefix(text));
  if (text.empty()) return true;
  if (text.size() >= worth_utf8_avx2 && has_avx2()) return is_utf8_avx2(text);
  return run_mixed(utf8::between, text) == utf8::between;
}

std::string replace_invalid_utf8(std::string_view text) {
  constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD
  std::string result;
  result.reserve(text.size() + replacement.size());
  utf8::State state = utf8::between;
  std::size_t start = 0;  // of the character being read
  for (std::size_t i = 0; i < text.size(); ++i) {
    const utf8::State before = state;
    state = utf8::step(state, text[i]);
    if (state == utf8::between) {
      result.append(text.substr(start, i + 1 - start));
      start = i + 1;
    } else if (state == utf8::invalid) {
      // Unicode §3.9, substitution of maximal subparts: what could have become a character
      // counts as one, and the byte that broke it is looked at anew.
      result.append(replacement);
      if (before != utf8::between) --i;
      start = i + 1;
      state = utf8::between;
    }
  }
  if (state != utf8::between) result.append(replacement);
  return result;
}

}  // namespace cppwebsocket::protocol
