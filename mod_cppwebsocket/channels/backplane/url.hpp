// What WebSocketBackplane says: redis://user@host:6379/0, rediss://..., unix:///..., redis+sentinel://host:26379/name,
// nats://host:4222, tls://...
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cppwebsocket::channels {

struct BackplaneUrl {
  enum class Scheme : std::uint8_t { redis, rediss, unix_socket, sentinel, sentinel_tls, nats, tls };

  struct Server {
    std::string host;  // a name or an address; an IPv6 address without its brackets
    std::uint16_t port = 0;

    std::string to_string() const;
    friend bool operator==(const Server&, const Server&) = default;
  };

  Scheme scheme = Scheme::redis;
  std::string user;             // empty: none
  std::vector<Server> servers;  // of one deployment, in the order in which they are tried; or its Sentinels
  std::string master;           // the name that Sentinels have for it; empty: there are none
  std::string path;             // unix_socket, which has no servers: absolute
  unsigned database = 0;

  bool is_nats() const noexcept { return scheme == Scheme::nats || scheme == Scheme::tls; }
  bool has_tls() const noexcept {
    return scheme == Scheme::rediss || scheme == Scheme::sentinel_tls || scheme == Scheme::tls;
  }

  // Empty if `text` is no such URL. One with a password is none: it would be in the configuration,
  // which many may read.
  static std::optional<BackplaneUrl> parse(std::string_view text);

  // For logs.
  std::string to_string() const;
};

// What parse() accepts, for people.
inline constexpr const char* backplane_url_form =
    "redis://[USER@]HOST[:PORT][,HOST[:PORT]...][/DATABASE], rediss:// (the same with TLS), "
    "unix://[USER@]/PATH[?db=DATABASE] (Redis on this machine), "
    "redis+sentinel://[USER@]HOST[:PORT][,HOST[:PORT]...]/MASTER[/DATABASE] (the Sentinels of a Redis and their name "
    "for it), rediss+sentinel:// (the same with TLS), "
    "nats://[USER@]HOST[:PORT][,HOST[:PORT]...], or tls:// (the same with TLS), each without a password "
    "(WebSocketBackplanePasswordFile); an IPv6 address in brackets";

// Whether `text` may be what WebSocketBackplanePrefix says.
bool is_backplane_prefix(std::string_view text) noexcept;
inline constexpr const char* backplane_prefix_form =
    "a word of 1 to 32 letters, digits, - and _ that begins with a letter, or None";

}  // namespace cppwebsocket::channels
