#include "runtime/support/socket_client.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <limits>

#include "runtime/transport/socket.hpp"

namespace cppwebsocket::testing {

bool wait_readable(int descriptor) {
  pollfd waiting{descriptor, POLLIN, 0};
  return ::poll(&waiting, 1, 20'000) == 1;
}

SocketClient::SocketClient() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    ADD_FAILURE() << "socketpair failed";
    return;
  }
  ours_ = pair[0];
  theirs_ = pair[1];
}

std::unique_ptr<runtime::Transport> SocketClient::transport() {
  ::fcntl(theirs_, F_SETFL, O_NONBLOCK);
  return std::make_unique<runtime::SocketTransport>(
      runtime::Descriptor(std::exchange(theirs_, -1)));
}

void SocketClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(ours_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) return;  // the server has closed: what it sent first tells the test
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string SocketClient::receive(std::size_t bytes) {
  std::string received;
  char buffer[16 << 10];
  while (received.size() < bytes) {
    if (!wait_readable(ours_)) {
      ADD_FAILURE() << "nothing came, after " << received.size() << " bytes";
      break;
    }
    const ssize_t count =
        ::recv(ours_, buffer, std::min(sizeof buffer, bytes - received.size()), 0);
    if (count <= 0) break;
    received.append(buffer, static_cast<std::size_t>(count));
  }
  return received;
}

std::string SocketClient::receive_all() { return receive(std::numeric_limits<std::size_t>::max()); }

void SocketClient::drain() {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!receive(1 << 20).empty()) {
    if (std::chrono::steady_clock::now() < give_up) continue;
    ADD_FAILURE() << "the stream does not end";
    return;
  }
}

void SocketClient::close() {
  for (int* descriptor : {&ours_, &theirs_})
    if (*descriptor >= 0) ::close(std::exchange(*descriptor, -1));
}

}  // namespace cppwebsocket::testing
