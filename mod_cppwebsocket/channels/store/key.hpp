// What the table knows a channel by: a keyed 128-bit hash of its name, which nobody who does not
// know the key can make collide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cppwebsocket::channels {

struct ChannelKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  friend bool operator==(const ChannelKey&, const ChannelKey&) = default;
};

struct ChannelKeyHash {
  std::size_t operator()(const ChannelKey& key) const noexcept { return key.high; }
};

// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein). Never {0, 0}.
ChannelKey channel_key(const std::uint64_t (&secret)[2], std::string_view name) noexcept;

}  // namespace cppwebsocket::channels
