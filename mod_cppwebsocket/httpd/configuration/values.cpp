#include "httpd/configuration/values.hpp"

#include "protocol/opening/header_fields.hpp"

#include <httpd.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace cppwebsocket::httpd {

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return protocol::equal_ignoring_case(a, b);
}

std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) noexcept {
  int shift = 0;
  if (!text.empty()) {
    const char suffix = protocol::ascii_lower(text.back());
    shift = suffix == 'k' ? 10 : suffix == 'm' ? 20 : suffix == 'g' ? 30 : 0;
  }
  if (shift != 0) text.remove_suffix(1);
  const auto number = parse_number(text);
  if (!number || *number > std::numeric_limits<std::uint64_t>::max() >> shift) return std::nullopt;
  return *number << shift;
}

std::optional<std::chrono::milliseconds> parse_time(const char* text) noexcept {
  // ap_timeout_parameter_parse takes "5shillings" for five seconds and "" for none.
  const std::string_view all(text);
  const std::string_view unit =
      all.substr(std::min(all.find_first_not_of("0123456789"), all.size()));
  const std::string_view units[] = {"", "ms", "s", "mi", "min", "h"};
  if (unit.size() == all.size() ||
      std::find(std::begin(units), std::end(units), unit) == std::end(units))
    return std::nullopt;
  apr_interval_time_t time = 0;  // microseconds
  if (ap_timeout_parameter_parse(text, &time, "s") != APR_SUCCESS) return std::nullopt;
  return std::chrono::milliseconds(apr_time_as_msec(time));
}

std::optional<bool> parse_switch(std::string_view text) noexcept {
  if (equal_ignoring_case(text, "on")) return true;
  if (equal_ignoring_case(text, "off")) return false;
  return std::nullopt;
}

}  // namespace cppwebsocket::httpd
