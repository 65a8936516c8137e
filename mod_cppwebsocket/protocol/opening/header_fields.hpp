// Reading header fields: names without case, tokens, comma-separated lists. RFC 9110 §5.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include <cppwebsocket/detail/request_record.hpp>

namespace cppwebsocket::protocol {

constexpr char ascii_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) noexcept { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }
constexpr bool is_optional_space(char c) noexcept { return c == ' ' || c == '\t'; }  // OWS
bool is_token_character(char c) noexcept;

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
bool is_token(std::string_view text) noexcept;  // RFC 9110 §5.6.2; the empty text is none
bool has_control_character(std::string_view text) noexcept;
std::string_view trim(std::string_view text) noexcept;  // spaces and tabs at both ends

// Takes the first element that is not empty off the comma-separated `rest`, trimmed; none at the
// end. A recipient ignores empty elements (RFC 9110 §5.6.1.2).
std::optional<std::string_view> next_element(std::string_view& rest) noexcept;

// A request's header fields by name. Borrows them.
class HeaderFields {
 public:
  explicit HeaderFields(std::span<const Header> headers) noexcept : headers_(headers) {}

  std::size_t count(std::string_view name) const noexcept;

  // The value of the first field of that name, trimmed.
  std::optional<std::string_view> first(std::string_view name) const noexcept;

  // True if one of the comma-separated elements of any such field is `token`, without case.
  bool lists(std::string_view name, std::string_view token) const noexcept;

  // Calls `visit` with each such field's value, trimmed, until it returns false; returns whether
  // it never did.
  template <typename Visit>
  bool each(std::string_view name, Visit&& visit) const {
    for (const Header& header : headers_)
      if (equal_ignoring_case(header.name, name) && !visit(trim(header.value))) return false;
    return true;
  }

 private:
  std::span<const Header> headers_;
};

}  // namespace cppwebsocket::protocol
