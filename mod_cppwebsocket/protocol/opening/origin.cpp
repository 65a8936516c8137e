// Origins: what a browser says about the page that opens the connection (RFC 6454).
#include <algorithm>
#include <cstdint>

#include "protocol/opening/authority.hpp"
#include "protocol/opening/handshake.hpp"
#include "protocol/opening/header_fields.hpp"

namespace cppwebsocket::protocol {

namespace {

constexpr std::string_view null_origin = "null";  // RFC 6454 §6.1: an opaque origin

struct Origin {
  std::string_view scheme;
  Authority authority;
};

bool is_scheme(std::string_view text) noexcept {
  return !text.empty() && is_alpha(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
         });
}

// RFC 6454 §6.2: scheme "://" host [ ":" port ], and nothing behind it.
std::optional<Origin> parse_origin(std::string_view text) noexcept {
  const std::size_t colon = text.find("://");
  if (colon == text.npos || !is_scheme(text.substr(0, colon))) return std::nullopt;
  const auto authority = parse_authority(text.substr(colon + 3));
  if (!authority) return std::nullopt;
  return Origin{text.substr(0, colon), *authority};
}

std::optional<std::uint16_t> effective_port(std::string_view scheme,
                                            std::optional<std::uint16_t> port) noexcept {
  if (port) return port;
  if (equal_ignoring_case(scheme, "http") || equal_ignoring_case(scheme, "ws")) return 80;
  if (equal_ignoring_case(scheme, "https") || equal_ignoring_case(scheme, "wss")) return 443;
  return std::nullopt;
}

bool same(const Origin& a, const Origin& b) noexcept {
  return equal_ignoring_case(a.scheme, b.scheme) &&
         equal_ignoring_case(a.authority.host, b.authority.host) &&
         effective_port(a.scheme, a.authority.port) == effective_port(b.scheme, b.authority.port);
}

}  // namespace

bool is_same_origin(std::string_view origin, std::string_view host, bool secure) noexcept {
  const auto given = parse_origin(origin);
  const auto authority = parse_authority(host);
  return given && authority && same(*given, Origin{secure ? "https" : "http", *authority});
}

bool is_origin(std::string_view origin, std::string_view expected) noexcept {
  if (expected == null_origin) return origin == null_origin;
  const auto a = parse_origin(origin);
  const auto b = parse_origin(expected);
  return a && b && same(*a, *b);
}

}  // namespace cppwebsocket::protocol
