// Connections from an administrator's side: which ones are meant, and what is told of one.
// Thread: what looks at a connection, that of the connection; else any.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/session/session.hpp"

namespace cppwebsocket::runtime {

// Which connections are meant: those for which all holds that is given.
struct Selection {
  std::optional<std::uint64_t> id;
  std::optional<std::string> user;     // as httpd has authenticated it; "": nobody
  std::optional<std::string> address;  // without a port
  std::optional<std::string> handler;  // "chat", or "chat_wsh.so"
  std::optional<std::string> channel;  // which it is a member of
  std::string part;  // of the user's, the address's, the handler's or the resource's text, whatever the case

  bool is_all() const noexcept { return !id && !user && !address && !handler && !channel && part.empty(); }
  bool has(const Connection& connection) const;
};

// What is told of one. A copy.
struct Sight {
  static constexpr std::size_t most_channels = 8;

  std::uint64_t id = 0;
  std::string user, address, handler, resource;
  std::string_view way, version;
  bool is_open = false;  // not closing
  std::chrono::seconds age{0};
  std::uint64_t messages_in = 0, messages_out = 0, bytes_in = 0, bytes_out = 0;
  std::uint64_t unsent = 0;           // bytes
  std::vector<std::string> channels;  // the newest ones
  std::size_t memberships = 0;
};
// While its wire is its own. Raises bad_alloc.
Sight sight_of(const Connection& connection);

// "192.0.2.1" of "192.0.2.1:80", "2001:db8::1" of "[2001:db8::1]:80".
std::string_view without_port(std::string_view address) noexcept;

}  // namespace cppwebsocket::runtime
