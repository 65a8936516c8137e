// A record as it travels between machines: a line of text, then the message's bytes.
//
//   lt 9f3c 77ab01 12 1700000000000 0 0\nhello
//   ││  │    │     │      │         │ └ the channel's bound in seconds
//   ││  │    │     │      │         └── the channel's bound in messages
//   ││  │    │     │      └──────────── when, in ms since 1970
//   ││  │    │     └─────────────────── sequence    ┐ of the child that published it
//   ││  │    └───────────────────────── origin, hex ┘
//   ││  └────────────────────────────── instance of that child's httpd, hex
//   │└───────────────────────────────── t: text, b: binary
//   └────────────────────────────────── l: loose, c: control, n: numbered, x: lost, m: missed
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

std::string to_envelope(const Record& record, std::uint64_t instance);

// Empty if `bytes` is none, or its text is not UTF-8: others may write to the same server.
std::optional<Envelope> parse_envelope(std::string_view bytes);

}  // namespace cppwebsocket::channels
