// By what the store tells apart who publishes, so that one of them cannot fill what is kept for all
// (channels/store/history_keeper.hpp): the address, without its port. Of IPv6 the first half, for the other
// is the client's own to choose. Programs of this machine are not told apart: one of them may be a proxy.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "channels/store/record.hpp"

namespace cppwebsocket::channels {

// Of "192.0.2.1", "192.0.2.1:1234", "2001:db8::1" or "[2001:db8::1]:1234"; 0 of nothing and of loopback.
inline std::uint16_t publisher_of(std::string_view address) noexcept {
  if (address.starts_with('[')) address = address.substr(1, address.find(']') - 1);
  const bool is_ipv6 = address.find(':') != address.rfind(':');
  std::size_t end = address.find(':');
  for (int groups = 1; is_ipv6 && groups < 4 && address.substr(end, 2) != "::"; ++groups)
    end = address.find(':', end + 1);
  const std::size_t hash = std::hash<std::string_view>()(address.substr(0, end));
  const bool is_local = address.empty() || address.starts_with("127.") || address == "::1";
  return is_local ? 0 : static_cast<std::uint16_t>(1 + hash % (most_publishers - 1));
}

}  // namespace cppwebsocket::channels
