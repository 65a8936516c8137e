// The "host[:port]" of a Host header, a request target or an origin. RFC 3986 §3.2.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cppwebsocket::protocol {

struct Authority {
  std::string_view host;  // not empty; of an IPv6 address the brackets are part
  std::optional<std::uint16_t> port;
};

// None if `text` is not a host with an optional decimal port: no user, no path, no empty port.
std::optional<Authority> parse_authority(std::string_view text) noexcept;

}  // namespace cppwebsocket::protocol
