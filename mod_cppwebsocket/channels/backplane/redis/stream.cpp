#include "channels/backplane/redis/stream.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

namespace cppwebsocket::channels {

namespace {

constexpr char may_not[] = " (the user of httpd's children has to be allowed to reach it and to write to it)";

int tls_size(std::size_t size) noexcept { return static_cast<int>(std::min<std::size_t>(size, INT_MAX)); }

}  // namespace

std::string RedisStream::open(const RedisEndpoint& to, const RedisTls* tls) {
  close();
  const int family = to.address.ss_family;
  runtime::Descriptor made(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (made.get() < 0) return std::strerror(errno);
  const int on = 1;
  if (family != AF_UNIX) ::setsockopt(made.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(made.get(), reinterpret_cast<const sockaddr*>(&to.address), to.size) != 0 &&
      errno != EINPROGRESS)
    return std::strerror(errno) + std::string(errno == EACCES ? may_not : "");
  if (tls && !(ssl_ = tls->begin(made.get(), to.host))) return "no memory";
  descriptor_ = std::move(made);
  waits_to_write_ = true;
  return {};
}

void RedisStream::close() noexcept {
  ssl_.reset();
  descriptor_ = runtime::Descriptor(-1);
  accepted_ = connected_ = false;
}

RedisStream::Status RedisStream::connect() {
  if (!accepted_) {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(descriptor_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) {
      problem_ = std::strerror(error);
      return Status::failed;
    }
    accepted_ = true;
  }
  if (ssl_) {
    ::ERR_clear_error();
    errno = 0;
    if (const Status status = moved_by_tls(::SSL_connect(ssl_.get())).status; status != Status::done)
      return status;
  }
  connected_ = true;
  return Status::done;
}

RedisStream::Moved RedisStream::read(std::span<char> buffer) {
  if (!ssl_) return moved(::recv(descriptor_.get(), buffer.data(), buffer.size(), 0));
  ::ERR_clear_error();
  errno = 0;
  return moved_by_tls(::SSL_read(ssl_.get(), buffer.data(), tls_size(buffer.size())));
}

RedisStream::Moved RedisStream::write(std::string_view bytes) {
  if (!ssl_) {
    const auto sent = ::send(descriptor_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    waits_to_write_ = true;
    return moved(sent);
  }
  ::ERR_clear_error();
  errno = 0;
  return moved_by_tls(::SSL_write(ssl_.get(), bytes.data(), tls_size(bytes.size())));
}

RedisStream::Moved RedisStream::moved(std::int64_t result) {
  if (result > 0) return {Status::done, static_cast<std::size_t>(result)};
  if (result < 0 && (errno == EAGAIN || errno == EINTR)) return {Status::would_block};
  problem_ = result == 0 ? redis_closed : std::strerror(errno);
  return {Status::failed};
}

RedisStream::Moved RedisStream::moved_by_tls(int result) {
  if (result > 0) return {Status::done, static_cast<std::size_t>(result)};
  const int kind = ::SSL_get_error(ssl_.get(), result);
  waits_to_write_ = kind == SSL_ERROR_WANT_WRITE;
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return {Status::would_block};
  problem_ = RedisTls::problem_of(ssl_.get(), result);
  return {Status::failed};
}

}  // namespace cppwebsocket::channels
