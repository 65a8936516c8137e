// What may be a channel's name. It is told in JSON, in lines of an event stream, in logs and in
// addresses: what could not be told in one of them, or would come out there as another name, is
// none.
#pragma once

#include <cstddef>
#include <string_view>

namespace cppwebsocket {

inline constexpr std::size_t max_channel_name = 255;  // bytes

namespace detail {

// The bytes of the character that `text`, which is not empty, begins with; 0 if it is not UTF-8
// there. RFC 3629 §4.
constexpr std::size_t utf8_character(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const std::size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const unsigned least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < least || byte(1) > most) return 0;
  for (std::size_t i = 2; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  return size;
}

// What keeps `name` from being a channel's, as the end of a sentence; null: nothing does.
constexpr const char* why_no_channel_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > max_channel_name) return "a channel's name has 1 to 255 bytes";
  while (!name.empty()) {
    if (static_cast<unsigned char>(name.front()) < 0x20 || name.front() == 0x7f)
      return "a channel's name has no control characters";
    const std::size_t size = utf8_character(name);
    if (size == 0) return "a channel's name is UTF-8";
    name.remove_prefix(size);
  }
  return nullptr;
}

}  // namespace detail
}  // namespace cppwebsocket
