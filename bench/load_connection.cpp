// One connection of the load generator, from connect to close.
#include <unistd.h>

#include <cstdio>

#include "client_handshake.hpp"
#include "load_generator.hpp"

namespace bench {

std::size_t LoadGenerator::index_of(const Connection& connection) const noexcept {
  return static_cast<std::size_t>(&connection - connections_.data());
}

void LoadGenerator::watch_for(Connection& connection, int operation, std::uint32_t events) {
  watch(epoll_, operation, connection.descriptor, events, index_of(connection));
}

void LoadGenerator::start(std::size_t index) {
  Connection& connection = connections_[index];
  connection = Connection{};
  connection.descriptor =
      require(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  connection.state = State::connecting;
  connection.send_at = index % messages_.count() * to_send_.frame_size();
  connection.check.begin(expected_, index);
  connection.probe_sent = Clock::now();
  ++opening_;
  set_no_delay(connection.descriptor);
  const auto* address = reinterpret_cast<const sockaddr*>(&address_);
  if (connect(connection.descriptor, address, sizeof address_) != 0 && errno != EINPROGRESS) {
    return lose(connection, "connect");
  }
  watch_for(connection, EPOLL_CTL_ADD, EPOLLOUT);
}

void LoadGenerator::send_request(Connection& connection) {
  // The request fits into an empty socket buffer.
  if (send(connection.descriptor, request_.data(), request_.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request_.size())) {
    return lose(connection, "connect");
  }
  connection.state = State::answering;
  watch_for(connection, EPOLL_CTL_MOD, EPOLLIN);
}

void LoadGenerator::read_some(Connection& connection) {
  const ssize_t count = recv(connection.descriptor, buffer_.data(), buffer_.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (connection.state == State::closing) {
    if (count <= 0) finish_closing(connection);
    return;  // what comes behind our Close but is not the end: the server's Close
  }
  if (count < 0) return lose(connection, "recv");
  if (count == 0) return lose(connection, nullptr);
  const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(count));
  if (connection.state == State::answering) {
    read_answer(connection, bytes);
  } else {
    read_echoes(connection, bytes);
  }
}

void LoadGenerator::read_answer(Connection& connection, std::string_view bytes) {
  connection.head += bytes;
  const std::size_t end = connection.head.find("\r\n\r\n");
  if (end == std::string::npos) return;
  if (!is_accepted(connection.head.substr(0, end + 2))) {
    connection.head.resize(connection.head.find('\r'));
    return lose(connection, connection.head.c_str());
  }
  const std::string rest = connection.head.substr(end + 4);
  connection.head = std::string();
  connection.state = State::open;
  --opening_;
  if (options_.mode == Mode::setup) return start_closing(connection);
  if (!rest.empty()) read_echoes(connection, rest);
  if (warming_up_ && connection.state == State::open) {
    queue(connection, 1, Clock::now());
    flush(connection);
  }
}

void LoadGenerator::read_echoes(Connection& connection, std::string_view bytes) {
  const auto completed = connection.check.feed(bytes, messages_, expected_, connection.replies);
  if (!completed || connection.received + *completed > connection.sent) {
    return lose(connection, "the echo is not what was sent");
  }
  if (*completed != 0) {
    const auto now = Clock::now();
    if (connection.received <= connection.probe &&
        connection.received + *completed > connection.probe) {
      latency_.record(static_cast<std::uint64_t>((now - connection.probe_sent).count()));
    }
    connection.received += *completed;
    completed_ += *completed;
    in_air_ -= *completed;
    if (running_) {
      if (is_over(now, in_air_))
        running_ = false;
      else
        queue(connection, *completed, now);
    }
  }
  if (connection.unsent != 0 || !connection.replies.empty()) flush(connection);
}

bool LoadGenerator::is_over(Clock::time_point now, std::size_t under_way) const noexcept {
  return options_.messages != 0 ? completed_ + under_way >= options_.messages : now >= stop_at_;
}

void LoadGenerator::queue(Connection& connection, std::size_t count, Clock::time_point now) {
  if (connection.probe < connection.received || connection.sent == 0) {
    connection.probe = connection.sent;
    connection.probe_sent = now;
  }
  connection.unsent += count * to_send_.frame_size();
  connection.sent += count;
  in_air_ += count;
}

void LoadGenerator::flush(Connection& connection) {
  while (connection.unsent != 0) {
    std::string_view piece = to_send_.from(connection.send_at);
    piece = piece.substr(0, connection.unsent);
    const std::size_t count = send_some(connection, piece);
    connection.unsent -= count;
    connection.send_at = (connection.send_at + count) % to_send_.period();
    if (count < piece.size()) return;
  }
  if (!connection.replies.empty()) {
    connection.replies.erase(0, send_some(connection, connection.replies));
    if (!connection.replies.empty()) return;
  }
  wait_to_write(connection, false);
}

std::size_t LoadGenerator::send_some(Connection& connection, std::string_view bytes) {
  const ssize_t count = send(connection.descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  const std::size_t sent = count > 0 ? static_cast<std::size_t>(count) : 0;
  if (sent < bytes.size()) wait_to_write(connection, true);  // an error shows at the next recv
  return sent;
}

void LoadGenerator::wait_to_write(Connection& connection, bool wait) {
  if (connection.waits_to_write == wait) return;
  connection.waits_to_write = wait;
  watch_for(connection, EPOLL_CTL_MOD, wait ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void LoadGenerator::start_closing(Connection& connection) {
  connection.state = State::closing;
  ++closing_;
  send(connection.descriptor, close_frame_.data(), close_frame_.size(), MSG_NOSIGNAL);
}

void LoadGenerator::finish_closing(Connection& connection) {
  --closing_;
  const auto now = Clock::now();
  const std::size_t index = index_of(connection);
  const auto started = connection.probe_sent;
  discard(connection);
  if (options_.mode != Mode::setup) return;
  ++completed_;
  latency_.record(static_cast<std::uint64_t>((now - started).count()));
  if (!is_over(now, opening_ + closing_)) start(index);
}

void LoadGenerator::lose(Connection& connection, const char* why) {
  if (errors_++ == 0) {
    std::fprintf(stderr, "bench_load: %s\n", why ? why : "the server closed the connection");
  }
  if (connection.state == State::open) {
    in_air_ -= connection.sent - connection.received;
  } else {
    --opening_;
  }
  discard(connection);
}

void LoadGenerator::discard(Connection& connection) noexcept {
  if (connection.descriptor >= 0) ::close(connection.descriptor);
  connection.descriptor = -1;
  connection.state = State::unused;
}

}  // namespace bench
