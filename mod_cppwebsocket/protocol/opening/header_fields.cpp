#include "protocol/opening/header_fields.hpp"

#include <algorithm>
#include <vector>

#include "protocol/opening/handshake.hpp"

namespace cppwebsocket::protocol {

bool is_token_character(char c) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return is_alpha(c) || is_digit(c) || marks.find(c) != marks.npos;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool has_control_character(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_optional_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_optional_space(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<std::string_view> next_element(std::string_view& rest) noexcept {
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view element = trim(rest.substr(0, comma));
    rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
    if (!element.empty()) return element;
  }
  return std::nullopt;
}

std::size_t HeaderFields::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::count_if(
      headers_.begin(), headers_.end(),
      [name](const Header& header) { return equal_ignoring_case(header.name, name); }));
}

std::optional<std::string_view> HeaderFields::first(std::string_view name) const noexcept {
  for (const Header& header : headers_)
    if (equal_ignoring_case(header.name, name)) return trim(header.value);
  return std::nullopt;
}

bool HeaderFields::lists(std::string_view name, std::string_view token) const noexcept {
  return !each(name, [token](std::string_view rest) {
    while (const auto element = next_element(rest))
      if (equal_ignoring_case(*element, token)) return false;
    return true;
  });
}

std::vector<std::string_view> split_list(std::string_view value) {
  std::vector<std::string_view> elements;
  while (const auto element = next_element(value)) elements.push_back(*element);
  return elements;
}

}  // namespace cppwebsocket::protocol
