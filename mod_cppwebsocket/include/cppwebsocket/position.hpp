// Position: where a message stands in its channel.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cppwebsocket {

// Offsets count a channel's messages from 1 on. They mean something within one epoch only: a channel
// that was forgotten and begins anew has another, so that nobody takes its messages for old ones.
struct Position {
  std::uint64_t epoch = 0;
  std::uint64_t offset = 0;  // 0: before the first

  friend bool operator==(const Position&, const Position&) = default;

  // "5f3a-42": the epoch in hexadecimal, the offset in decimal digits. For clients to keep.
  std::string to_string() const {
    char text[16 + 1 + 20];
    char* at = std::to_chars(text, text + sizeof text, epoch, 16).ptr;
    *at++ = '-';
    at = std::to_chars(at, text + sizeof text, offset).ptr;
    return {text, at};
  }

  // What to_string() gives, and nothing else but leading zeros and capitals.
  static std::optional<Position> parse(std::string_view text) noexcept {
    Position position;
    const char* const end = text.data() + text.size();
    const auto epoch = std::from_chars(text.data(), end, position.epoch, 16);
    if (epoch.ec != std::errc() || epoch.ptr == end || *epoch.ptr != '-') return std::nullopt;
    const auto offset = std::from_chars(epoch.ptr + 1, end, position.offset);
    if (offset.ec != std::errc() || offset.ptr != end) return std::nullopt;
    return position;
  }
};

}  // namespace cppwebsocket
