#include "channels/backplane/redis/endpoints.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace cppwebsocket::channels {

namespace {

RedisEndpoint endpoint_of(std::string host, const sockaddr* address, socklen_t size) {
  RedisEndpoint made{.host = std::move(host)};
  std::memcpy(&made.address, address, size);
  made.size = size;
  return made;
}

RedisEndpoint socket_file(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return endpoint_of(path, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

// Nothing if it has none.
std::vector<RedisEndpoint> look_up(const BackplaneUrl::Server& server, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(server.host.c_str(), std::to_string(server.port).c_str(), &hints, &found) != 0) return {};
  std::vector<RedisEndpoint> endpoints;
  for (const addrinfo* one = found; one; one = one->ai_next)
    endpoints.push_back(endpoint_of(server.host, one->ai_addr, one->ai_addrlen));
  ::freeaddrinfo(found);
  return endpoints;
}

}  // namespace

std::string RedisEndpoint::to_string() const {
  if (address.ss_family == AF_UNIX) return host;
  char numeric[NI_MAXHOST], port[NI_MAXSERV];
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, numeric, sizeof numeric, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return host;
  const std::string text = (address.ss_family == AF_INET6 ? "[" + std::string(numeric) + "]" : numeric) +
                           std::string(":") + port;
  return host == numeric ? text : host + " (" + text + ")";
}

bool RedisEndpoint::operator==(const RedisEndpoint& other) const noexcept {
  return size == other.size && host == other.host && std::memcmp(&address, &other.address, size) == 0;
}

std::vector<RedisEndpoint> look_up(const BackplaneUrl& url) {
  std::vector<RedisEndpoint> all;
  if (!url.path.empty()) all.push_back(socket_file(url.path));
  for (const BackplaneUrl::Server& server : url.servers)
    for (RedisEndpoint& one : look_up(server, 0)) all.push_back(std::move(one));
  return all;
}

std::optional<std::vector<RedisEndpoint>> numeric_endpoints(const BackplaneUrl& url) {
  for (const BackplaneUrl::Server& server : url.servers)
    if (look_up(server, AI_NUMERICHOST).empty()) return std::nullopt;
  return look_up(url);
}

const RedisEndpoint& RedisEndpoints::next() {
  const auto last = std::ranges::find(all_, last_);
  const std::size_t first = last == all_.end() ? 0 : static_cast<std::size_t>(last - all_.begin());
  current_ = all_[(first + tried_++) % all_.size()];
  return current_;
}

}  // namespace cppwebsocket::channels
