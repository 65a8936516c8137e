// UTF-8 as an automaton over bytes: Unicode's table 3-7 (well-formed byte sequences) as it stands.
// A state is a shift: each byte has a 64-bit word that holds, at the place of every state, the
// state that follows. So a step is one load, which does not wait for the state, and one shift.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace cppwebsocket::protocol::utf8 {

using State = std::uint8_t;

inline constexpr State between = 0;   // characters: all that came before is valid
inline constexpr State one_more = 6;  // continuation byte to come
inline constexpr State two_more = 12;
inline constexpr State three_more = 18;
inline constexpr State after_e0 = 24;  // A0–BF: anything less would be overlong
inline constexpr State after_ed = 30;  // 80–9F: above are the surrogates
inline constexpr State after_f0 = 36;  // 90–BF: anything less would be overlong
inline constexpr State after_f4 = 42;  // 80–8F: above is nothing
inline constexpr State invalid = 48;   // for good

constexpr State following(State state, unsigned byte) noexcept {
  const auto in = [byte](unsigned from, unsigned to) { return byte >= from && byte <= to; };
  switch (state) {
    case between:
      if (in(0x00, 0x7f)) return between;
      if (in(0xc2, 0xdf)) return one_more;
      if (byte == 0xe0) return after_e0;
      if (byte == 0xed) return after_ed;
      if (in(0xe1, 0xef)) return two_more;
      if (byte == 0xf0) return after_f0;
      if (in(0xf1, 0xf3)) return three_more;
      return byte == 0xf4 ? after_f4 : invalid;
    case one_more:
      return in(0x80, 0xbf) ? between : invalid;
    case two_more:
      return in(0x80, 0xbf) ? one_more : invalid;
    case three_more:
      return in(0x80, 0xbf) ? two_more : invalid;
    case after_e0:
      return in(0xa0, 0xbf) ? one_more : invalid;
    case after_ed:
      return in(0x80, 0x9f) ? one_more : invalid;
    case after_f0:
      return in(0x90, 0xbf) ? two_more : invalid;
    case after_f4:
      return in(0x80, 0x8f) ? two_more : invalid;
    default:
      return invalid;
  }
}

inline constexpr std::array<std::uint64_t, 256> steps = [] {
  std::array<std::uint64_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte)
    for (unsigned state = between; state <= invalid; state += 6)
      table[byte] |= std::uint64_t{following(static_cast<State>(state), byte)} << state;
  return table;
}();

inline State step(State state, char byte) noexcept {
  return static_cast<State>(steps[static_cast<unsigned char>(byte)] >> state & 63);
}

inline State run(State state, std::string_view bytes) noexcept {
  std::uint64_t word = state;
  for (const char byte : bytes) word = steps[static_cast<unsigned char>(byte)] >> (word & 63);
  return static_cast<State>(word & 63);
}

}  // namespace cppwebsocket::protocol::utf8
