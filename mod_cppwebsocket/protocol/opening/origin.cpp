#include "protocol/opening/origin.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>

#include <arpa/inet.h>

#include "protocol/opening/authority.hpp"
#include "protocol/opening/header_fields.hpp"

namespace cppwebsocket::protocol {

namespace {

// RFC 6454 §6.1: an opaque origin. Some WebViews say the other for a page from a file.
constexpr std::string_view opaque_origins[] = {"null", "file://"};

bool is_opaque(std::string_view text) noexcept {
  return std::ranges::find(opaque_origins, text) != std::end(opaque_origins);
}

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

bool is_web_scheme(std::string_view scheme) noexcept {
  return effective_port(scheme, std::nullopt).has_value();
}

bool ends_with_ignoring_case(std::string_view text, std::string_view end) noexcept {
  return text.size() >= end.size() &&
         equal_ignoring_case(text.substr(text.size() - end.size()), end);
}

struct OriginPattern {
  Origin origin;  // without what stands for anything; the host is empty if nothing is left
  bool any_port = false;
  bool below = false;  // "*.": hosts that end in "." and the host
};

// A name of which others can be below: not one label alone, as com, and no address.
bool can_have_names_below(std::string_view host) noexcept {
  if (equal_ignoring_case(host, "localhost")) return true;  // RFC 6761 §6.3
  const std::size_t dot = host.rfind('.');
  return dot != host.npos && dot != 0 && host.find("..") == host.npos &&
         dot + 1 < host.size() && is_alpha(host[dot + 1]);
}

std::optional<OriginPattern> parse_pattern(std::string_view text) noexcept {
  OriginPattern pattern;
  const std::size_t colon = text.find("://");
  if (colon == text.npos || !is_scheme(text.substr(0, colon))) return std::nullopt;
  pattern.origin.scheme = text.substr(0, colon);
  text.remove_prefix(colon + 3);
  if (text == "*" && !is_web_scheme(pattern.origin.scheme)) return pattern;
  if (text.ends_with(":*")) {
    pattern.any_port = true;
    text.remove_suffix(2);
  }
  if (text.starts_with("*.")) {
    pattern.below = true;
    text.remove_prefix(2);
  }
  const auto authority = parse_authority(text);
  if (!authority || (pattern.any_port && authority->port) ||
      (pattern.below && !can_have_names_below(authority->host)))
    return std::nullopt;
  pattern.origin.authority = *authority;
  return pattern;
}

bool matches_host(std::string_view host, const OriginPattern& pattern) noexcept {
  const std::string_view own = pattern.origin.authority.host;
  if (own.empty()) return true;
  if (!pattern.below) return equal_ignoring_case(host, own);
  return host.size() > own.size() + 1 && host[host.size() - own.size() - 1] == '.' &&
         ends_with_ignoring_case(host, own);
}

bool is_address(int family, std::string_view text) noexcept {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated) return false;
  *std::copy(text.begin(), text.end(), terminated) = '\0';
  in6_addr address;  // the larger of the two
  return ::inet_pton(family, terminated, &address) == 1;
}

// Some client libraries, ws4py for one, write the URL's scheme. No browser has a page of these.
std::string_view scheme_of_page(std::string_view scheme) noexcept {
  if (equal_ignoring_case(scheme, "ws")) return "http";
  return equal_ignoring_case(scheme, "wss") ? "https" : scheme;
}

bool is_loopback_host(std::string_view host) noexcept {
  return equal_ignoring_case(host, "localhost") || host == "[::1]" ||
         (host.starts_with("127.") && is_address(AF_INET, host));
}

}  // namespace

bool is_same_origin(std::string_view origin, std::string_view host, bool secure) noexcept {
  auto given = parse_origin(origin);
  const auto authority = parse_authority(host);
  if (given) given->scheme = scheme_of_page(given->scheme);
  return given && authority && same(*given, Origin{secure ? "https" : "http", *authority});
}

bool is_origin(std::string_view origin, std::string_view expected) noexcept {
  if (is_opaque(expected)) return origin == expected;
  const auto a = parse_origin(origin);
  const auto b = parse_origin(expected);
  return a && b && same(*a, *b);
}

bool is_origin_pattern(std::string_view text) noexcept {
  return is_opaque(text) || parse_pattern(text).has_value();
}

bool matches_origin(std::string_view origin, std::string_view text) noexcept {
  if (is_opaque(text)) return origin == text;
  const auto given = parse_origin(origin);
  const auto pattern = parse_pattern(text);
  if (!given || !pattern || !equal_ignoring_case(given->scheme, pattern->origin.scheme))
    return false;
  const auto port = [&](const Authority& authority) {
    return effective_port(given->scheme, authority.port);
  };
  const bool any_port = pattern->any_port || pattern->origin.authority.host.empty();
  return matches_host(given->authority.host, *pattern) &&
         (any_port || port(given->authority) == port(pattern->origin.authority));
}

bool is_fixed_host(std::string_view host) noexcept {
  if (equal_ignoring_case(host, "localhost") || is_address(AF_INET, host)) return true;
  return host.size() > 2 && host.front() == '[' && host.back() == ']' &&
         is_address(AF_INET6, host.substr(1, host.size() - 2));
}

bool are_loopback(std::string_view origin, std::string_view host) noexcept {
  const auto given = parse_origin(origin);
  const auto authority = parse_authority(host);
  return given && authority && is_loopback_host(given->authority.host) &&
         is_loopback_host(authority->host);
}

}  // namespace cppwebsocket::protocol
