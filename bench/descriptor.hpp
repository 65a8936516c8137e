// The few socket calls that the load generator and the epoll echo share.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

namespace bench {

inline int require(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

inline void set_no_delay(int descriptor) noexcept {
  int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// Both directions; no more room than that is made later.
inline void limit_buffers(int descriptor, int bytes) noexcept {
  setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

inline sockaddr_in ipv4_address(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    throw std::system_error(EINVAL, std::generic_category(), "--host wants an IPv4 address");
  }
  return address;
}

// Connects from `address` later, without choosing a port yet: so one port serves several servers.
inline void bind_source(int descriptor, const std::string& address) {
  int on = 1;
  setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const sockaddr_in source = ipv4_address(address, 0);
  require(bind(descriptor, reinterpret_cast<const sockaddr*>(&source), sizeof source), "bind");
}

// Level-triggered interest in a descriptor that comes back as `token`.
inline void watch(int epoll, int operation, int descriptor, std::uint32_t events,
                  std::uint64_t token) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  require(epoll_ctl(epoll, operation, descriptor, &event), "epoll_ctl");
}

}  // namespace bench
