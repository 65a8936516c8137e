// What WebSocketBackplane says: redis://user@host:6379/0, rediss://..., nats://host:4222.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cppwebsocket::channels {

struct BackplaneUrl {
  enum class Scheme : std::uint8_t { redis, rediss, nats };

  Scheme scheme = Scheme::redis;
  std::string user;  // empty: none
  std::string host;  // a name or an address; an IPv6 address without its brackets
  std::uint16_t port = 0;
  unsigned database = 0;

  // Empty if `text` is no such URL. One with a password is none: it would be in the configuration,
  // which many may read.
  static std::optional<BackplaneUrl> parse(std::string_view text);

  // For logs.
  std::string to_string() const;
};

// What parse() accepts, for people.
inline constexpr const char* backplane_url_form =
    "redis://[USER@]HOST[:PORT][/DATABASE], rediss:// (the same with TLS), or "
    "nats://[USER@]HOST[:PORT], each without a password (WebSocketBackplanePasswordFile)";

// Whether `text` may be what WebSocketBackplanePrefix says.
bool is_backplane_prefix(std::string_view text) noexcept;
inline constexpr const char* backplane_prefix_form =
    "a word of 1 to 32 letters, digits, - and _ that begins with a letter, or None";

}  // namespace cppwebsocket::channels
