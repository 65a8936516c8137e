#include "runtime/transport/socket.hpp"

#include <cerrno>

#include <sys/socket.h>
#include <sys/uio.h>

namespace cppwebsocket::runtime {

namespace {
IoResult failed() noexcept {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::would_block, 0, 0};
  return {IoStatus::error, 0, errno};
}
}  // namespace

IoResult SocketTransport::read(std::span<char> buffer) noexcept {
  for (;;) {
    const ssize_t count = ::recv(descriptor_.get(), buffer.data(), buffer.size(), 0);
    filled_ = count > 0 && static_cast<std::size_t>(count) == buffer.size();
    if (count > 0) return {IoStatus::ok, static_cast<std::size_t>(count), 0};
    if (count == 0) return {IoStatus::closed, 0, 0};
    if (errno != EINTR) return failed();
  }
}

IoResult SocketTransport::write(std::span<const std::string_view> pieces) noexcept {
  constexpr std::size_t most = 16;
  iovec vectors[most];
  const std::size_t count = pieces.size() < most ? pieces.size() : most;
  for (std::size_t i = 0; i < count; ++i)
    vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
  msghdr message{};
  message.msg_iov = vectors;
  message.msg_iovlen = count;
  for (;;) {
    const ssize_t written =
        count == 1 ? ::send(descriptor_.get(), pieces[0].data(), pieces[0].size(), MSG_NOSIGNAL)
                   : ::sendmsg(descriptor_.get(), &message, MSG_NOSIGNAL);
    if (written >= 0) return {IoStatus::ok, static_cast<std::size_t>(written), 0};
    if (errno != EINTR) return failed();
  }
}

bool SocketTransport::shutdown_write() noexcept {
  ::shutdown(descriptor_.get(), SHUT_WR);
  return true;
}

}  // namespace cppwebsocket::runtime
