// One connection of the load generator, from connect to close.
#include <unistd.h>

#include <cstdio>

#include "client_handshake.hpp"
#include "generator.hpp"

namespace bench {

std::size_t LoadGenerator::index_of(const Connection& connection) const noexcept {
  return static_cast<std::size_t>(&connection - connections_.data());
}

void LoadGenerator::watch_for(Connection& connection, std::uint32_t events) {
  if (connection.watched == events) return;
  watch(epoll_, connection.watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
        connection.wire.descriptor(), events, index_of(connection));
  connection.watched = events;
}

void LoadGenerator::start(std::size_t index) {
  Connection& connection = connections_[index];
  connection = Connection{};
  const int descriptor =
      require(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  connection.wire = Wire(descriptor, tls_.get(), false);
  connection.state = State::connecting;
  connection.is_publisher = options_.mode == Mode::fan_out && &connection == &publisher();
  connection.probe_sent = Clock::now();
  if (options_.compression != Compression::none) {
    connection.compressed =
        std::make_unique<CompressedCheck>(options_.compression == Compression::takeover);
  } else if (options_.mode != Mode::fan_out) {
    connection.first = index % messages_.count();  // not all of them the same
    connection.send_at = to_send_.start_of(connection.first);
  }
  connection.check.begin(expected_, connection.first);
  ++opening_;
  set_no_delay(descriptor);
  if (options_.mode == Mode::deaf) limit_buffers(descriptor, 64 << 10);
  if (!options_.source.empty()) bind_source(descriptor, options_.source);
  const auto* address = reinterpret_cast<const sockaddr*>(&address_);
  if (connect(descriptor, address, sizeof address_) != 0 && errno != EINPROGRESS) {
    return lose(connection, "connect");
  }
  watch_for(connection, EPOLLOUT);
}

void LoadGenerator::on_ready(Connection& connection, std::uint32_t events) {
  switch (connection.state) {
    case State::unused:
      return;
    case State::connecting:
      connection.state = State::securing;
      watch_for(connection, EPOLLIN);
      return secure(connection);
    case State::securing:
      return secure(connection);
    default:
      if (events & EPOLLOUT) flush(connection);
      if (events & ~EPOLLOUT) read_some(connection);
  }
}

void LoadGenerator::secure(Connection& connection) {
  const ssize_t result = connection.wire.shake_hands();
  if (result > 0) return send_request(connection);
  if (result == 0) lose(connection, "TLS handshake");
}

void LoadGenerator::send_request(Connection& connection) {
  const std::string request =
      connection.is_publisher ? make_request(options_, options_.publish_path) : request_;
  // It fits into an empty socket buffer.
  if (connection.wire.send(request.data(), request.size()) !=
      static_cast<ssize_t>(request.size())) {
    return lose(connection, "connect");
  }
  connection.state = State::answering;
}

void LoadGenerator::read_some(Connection& connection) {
  do {
    const ssize_t count = connection.wire.receive(buffer_.data(), buffer_.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (connection.state == State::closing) {
      if (count <= 0) return finish_closing(connection);
      continue;  // what comes behind our Close but is not the end: the server's Close
    }
    if (count < 0) return lose(connection, "recv");
    if (count == 0) return lose(connection, nullptr);
    bytes_received_ += static_cast<std::uint64_t>(count);
    read_bytes(connection, std::string_view(buffer_.data(), static_cast<std::size_t>(count)));
  } while (connection.wire.holds_more());
}

void LoadGenerator::read_bytes(Connection& connection, std::string_view bytes) {
  if (connection.state == State::answering)
    read_answer(connection, bytes);
  else if (!connection.is_publisher)
    read_echoes(connection, bytes);
}

// Every connection gets the same answer: nothing has been sent when the first one says it.
void LoadGenerator::use_window(int bits) {
  if (bits == window_bits_) return;
  window_bits_ = bits;
  to_send_ = compressed_ring(messages_, options_.compression == Compression::takeover, bits);
}

void LoadGenerator::read_answer(Connection& connection, std::string_view bytes) {
  if (connection.body_left != 0) return read_body(connection, bytes.size());
  connection.head += bytes;
  const std::size_t end = connection.head.find("\r\n\r\n");
  if (end == std::string::npos) return;
  const AnswerHead head(connection.head.substr(0, end + 2));
  const std::string rest = connection.head.substr(end + 4);
  connection.head = std::string();
  if (options_.mode == Mode::get) {
    if (!head.has_status("2")) return lose(connection, head.status_line().c_str());
    connection.body_left = head.content_length();
    return read_body(connection, rest.size());
  }
  if (options_.again_if_busy && head.has_status("503")) {
    --opening_;
    const std::size_t index = index_of(connection);
    discard(connection);
    return start(index);
  }
  if (const char* objection = head.objection(options_.compression)) {
    std::fprintf(stderr, errors_ == 0 ? "bench_load: %s\n" : "", head.status_line().c_str());
    return lose(connection, objection);
  }
  if (options_.compression != Compression::none) use_window(head.client_window_bits());
  connection.state = State::open;
  --opening_;
  if (options_.mode == Mode::setup) return start_closing(connection);
  if (!rest.empty()) read_bytes(connection, rest);
  const bool echoes = options_.mode == Mode::echo || options_.mode == Mode::idle;
  if (echoes && warming_up_ && connection.state == State::open) {
    queue(connection, 1, Clock::now());
    flush(connection);
  }
}

void LoadGenerator::read_body(Connection& connection, std::size_t count) {
  connection.body_left -= std::min(connection.body_left, count);
  if (connection.body_left != 0) return;
  --opening_;
  ++closing_;
  finish_closing(connection);
}

void LoadGenerator::read_echoes(Connection& connection, std::string_view bytes) {
  const auto completed =
      connection.compressed
          ? connection.compressed->feed(bytes, messages_, connection.replies)
          : connection.check.feed(bytes, messages_, expected_, connection.replies);
  const bool is_member = options_.mode == Mode::fan_out;
  if (!completed || (!is_member && connection.received + *completed > connection.sent)) {
    return lose(connection, "the echo is not what was sent");
  }
  if (*completed != 0) {
    is_member ? read_deliveries(connection, *completed) : complete(connection, *completed);
  }
  if (connection.unsent != 0 || !connection.replies.empty()) flush(connection);
}

void LoadGenerator::complete(Connection& connection, std::size_t count) {
  const auto now = Clock::now();
  if (connection.received <= connection.probe && connection.received + count > connection.probe) {
    latency_.record(static_cast<std::uint64_t>((now - connection.probe_sent).count()));
  }
  connection.received += count;
  completed_ += count;
  in_air_ -= count;
  begin_next(connection, count, now);
}

bool LoadGenerator::is_over(Clock::time_point now, std::size_t under_way) const noexcept {
  return options_.messages != 0 ? completed_ + under_way >= options_.messages : now >= stop_at_;
}

void LoadGenerator::queue(Connection& connection, std::size_t count, Clock::time_point now) {
  if (connection.probe < connection.received || connection.sent == 0) {
    connection.probe = connection.sent;
    connection.probe_sent = now;
  }
  connection.unsent += to_send_.bytes_of(connection.first + connection.sent, count);
  connection.sent += count;
  in_air_ += count;
}

void LoadGenerator::flush(Connection& connection) {
  while (connection.unsent != 0) {
    std::string_view piece = to_send_.from(connection.send_at);
    piece = piece.substr(0, connection.unsent);
    const std::size_t count = send_some(connection, piece);
    connection.unsent -= count;
    connection.send_at = to_send_.advance(connection.send_at, count);
    if (count < piece.size()) return;
  }
  if (!connection.replies.empty()) {
    connection.replies.erase(0, send_some(connection, connection.replies));
    if (!connection.replies.empty()) return;
  }
  watch_for(connection, EPOLLIN);
}

std::size_t LoadGenerator::send_some(Connection& connection, std::string_view bytes) {
  std::size_t sent = 0;
  do {
    const ssize_t count = connection.wire.send(bytes.data() + sent, bytes.size() - sent);
    if (count <= 0) break;  // an error shows at the next recv
    sent += static_cast<std::size_t>(count);
  } while (tls_ && sent < bytes.size());  // a record at a time
  bytes_sent_ += sent;
  if (sent < bytes.size()) {
    watch_for(connection, options_.mode == Mode::deaf ? EPOLLOUT : EPOLLIN | EPOLLOUT);
  }
  return sent;
}

void LoadGenerator::start_closing(Connection& connection) {
  connection.state = State::closing;
  ++closing_;
  connection.wire.send(close_frame_.data(), close_frame_.size());
}

void LoadGenerator::finish_closing(Connection& connection) {
  --closing_;
  const auto now = Clock::now();
  const auto started = connection.probe_sent;
  discard(connection);
  if (!repeats_connections()) return;
  ++completed_;
  latency_.record(static_cast<std::uint64_t>((now - started).count()));
  begin_next(connection, 1, now);
}

void LoadGenerator::lose(Connection& connection, const char* why) {
  if (errors_++ == 0) {
    std::fprintf(stderr, "bench_load: %s\n", why ? why : "the server closed the connection");
  }
  if (connection.state == State::open) {
    if (options_.mode == Mode::echo || options_.mode == Mode::idle) {
      in_air_ -= connection.sent - connection.received;
    }
  } else {
    --opening_;
  }
  discard(connection);
}

void LoadGenerator::discard(Connection& connection) noexcept {
  connection.wire = Wire();
  connection.watched = 0;
  connection.state = State::unused;
}

}  // namespace bench
