// UTF-8 validation (RFC 3629), whole or in pieces, at memory speed: ASCII by vectors (SSE2), all
// else by a small automaton, and both by AVX2 where the CPU has it, chosen at run time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cppwebsocket::protocol {

// Validates a text that arrives in pieces. Fails at the first byte that no valid text can have
// at its place (RFC 6455 §8.1; fail-fast as Autobahn 6.4 wants).
class Utf8Validator {
 public:
  bool feed(std::string_view piece) noexcept;             // false: invalid, and stays so
  bool complete() const noexcept { return state_ == 0; }  // not inside a character
  void reset() noexcept { state_ = 0; }

 private:
  std::uint8_t state_ = 0;  // of the automaton in utf8_automaton.hpp
};

// True if `text` is valid as a whole.
bool is_utf8(std::string_view text) noexcept;

// How many bytes at the end of `text`, at most 3, begin a character that does not end there; 0 if its end is
// no place to judge from.
std::size_t unfinished_tail(std::string_view text) noexcept;

// `text` with each maximal invalid part replaced by U+FFFD (Unicode §3.9; draft-76 §1.2).
std::string replace_invalid_utf8(std::string_view text);

namespace plain {  // without vector instructions; the tests compare
bool is_utf8(std::string_view text) noexcept;
}

}  // namespace cppwebsocket::protocol
