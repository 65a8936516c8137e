#include "protocol/opening/authority.hpp"

#include <algorithm>
#include <charconv>

#include "protocol/opening/header_fields.hpp"

namespace cppwebsocket::protocol {

namespace {

bool is_host_character(char c) noexcept {
  // Of RFC 3986 §3.2.2's characters those that host names are made of; browsers send no others. An
  // origin with a '*' would be a rule that never matches, so it is better refused.
  constexpr std::string_view marks = "-._~";
  return is_alpha(c) || is_digit(c) || marks.find(c) != marks.npos;
}

bool is_ipv6_character(char c) noexcept {
  return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f') || c == ':' || c == '.';
}

bool is_host(std::string_view text) noexcept {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']')
    return std::all_of(text.begin() + 1, text.end() - 1, is_ipv6_character);
  return !text.empty() && std::all_of(text.begin(), text.end(), is_host_character);
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) noexcept {
  Authority authority{text, std::nullopt};
  const std::size_t colon = text.rfind(':');
  if (colon != text.npos && text.back() != ']') {
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    if (digits.size() > 1 && digits.front() == '0') return std::nullopt;  // RFC 6454 §6.1: base ten
    authority = {text.substr(0, colon), port};
  }
  if (!is_host(authority.host)) return std::nullopt;
  return authority;
}

}  // namespace cppwebsocket::protocol
