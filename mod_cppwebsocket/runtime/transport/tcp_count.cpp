// <linux/tcp.h>, for the C library's own tcp_info ends before these counts; the two cannot be in one file.
#include "runtime/transport/tcp_count.hpp"

#include <cstddef>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace cppwebsocket::runtime {

std::optional<Carried> carried_by_tcp(int descriptor) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  if (size < offsetof(tcp_info, tcpi_bytes_retrans) + sizeof info.tcpi_bytes_retrans) return std::nullopt;
  return Carried{info.tcpi_bytes_received, info.tcpi_bytes_sent - info.tcpi_bytes_retrans};
}

}  // namespace cppwebsocket::runtime
