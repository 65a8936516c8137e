// A record as it travels between machines: a line of text, then the message's bytes.
//
//   1lt 9f3c 77ab01 12 1700000000000 0 0\nhello
//   2lt 9f3c 77ab01 12 1700000000000 0 0 3\nannhello     with the user who published it, told by its bytes
//   3lt 9f3c 77ab01 12 1700000000000 0 0 9\nann.pricehello     with other remarks, too (a NUL where . is)
//   │││  │    │     │      │         │ └ the channel's bound in seconds
//   │││  │    │     │      │         └── the channel's bound in messages
//   │││  │    │     │      └──────────── when, in ms since 1970, by the engine's clock
//   │││  │    │     └─────────────────── sequence    ┐ of the child that published it
//   │││  │    └───────────────────────── origin, hex ┘
//   │││  └────────────────────────────── instance of that child's httpd, hex
//   ││└───────────────────────────────── t: text, b: binary
//   │└────────────────────────────────── l: loose, c: control, n: numbered, x: lost, m: missed
//   └─────────────────────────────────── version: another where this, or what control records say, changes
//
// A missed one tells in place of "when" how many ms ago that was, for clocks differ.
// A numbered or lost one is preceded by its position, when an engine gives it on: "=5f3a-42\n".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "channels/store/record.hpp"

namespace cppwebsocket::channels {

struct Envelope {
  Record record;
  std::uint64_t instance = 0;
};

// `ahead_ms`: what the engine's clock is ahead of this machine's, if it has one.
std::string to_envelope(const Record& record, std::uint64_t instance, std::int64_t ahead_ms = 0);

// Without one in the beginning, before there were versions: 0. Only what has a user needs the second, and what has other
// remarks the third.
inline constexpr unsigned envelope_version = 1;
inline constexpr unsigned envelope_version_with_user = 2;
inline constexpr unsigned envelope_version_with_remarks = 3;

// The version of what another version of this module has written; empty if `bytes` are not that.
std::optional<unsigned> other_envelope_version(std::string_view bytes) noexcept;

// What an administrator is told of it, once.
std::string say_other_version(const std::string& backplane, unsigned version);

// Empty if `bytes` is none, or its text is not UTF-8: others may write to the same server.
std::optional<Envelope> parse_envelope(std::string_view bytes);

}  // namespace cppwebsocket::channels
