// The load generator with one connection that talks to many (fan-out), and with many that talk and
// do not listen.
#include <unistd.h>

#include <algorithm>

#include "generator.hpp"

namespace bench {
namespace {

constexpr auto quiet = std::chrono::milliseconds(500);

}  // namespace

// in_air_ counts deliveries: what is published and a member has not received.
void LoadGenerator::publish(std::size_t count, Clock::time_point now) {
  Connection& connection = publisher();
  if (connection.state != State::open) return;
  if (connection.probe < connection.received || connection.sent == 0) {
    connection.probe = connection.sent;
    connection.probe_sent = now;
  }
  connection.unsent += to_send_.bytes_of(connection.sent, count);
  connection.sent += count;
  in_air_ += count * members();
  flush(connection);
}

// The publisher's `received` is the number of messages that have reached everybody, taking it that
// all members are served alike.
void LoadGenerator::read_deliveries(Connection& member, std::size_t count) {
  Connection& connection = publisher();
  member.received += count;
  completed_ += count;
  in_air_ -= std::min(in_air_, count);
  if (member.received > first_delivered_) {
    first_delivered_ = member.received;
    first_delivery_ = Clock::now();
  }
  const std::uint64_t everywhere = connection.sent - (in_air_ + members() - 1) / members();
  if (everywhere == connection.received) return;
  const auto now = Clock::now();
  if (in_air_ == 0) spread_.record(static_cast<std::uint64_t>((now - first_delivery_).count()));
  if (everywhere > connection.probe && connection.received <= connection.probe) {
    latency_.record(static_cast<std::uint64_t>((now - connection.probe_sent).count()));
  }
  const std::size_t newly = everywhere - connection.received;
  connection.received = everywhere;
  if (!running_) return;
  if (is_over(now, in_air_))
    running_ = false;
  else
    publish(newly, now);
}

void LoadGenerator::fan_out() {
  if (errors_ != 0) return;
  running_ = true;
  publish(options_.in_flight, Clock::now());
  loop_until([&] { return in_air_ == 0; });
}

// Each connection sends until neither the server nor the socket's buffer takes more.
void LoadGenerator::talk_to_deaf_ears() {
  const std::size_t burst = 1 + (64 << 10) / to_send_.frame_size();
  for (auto& connection : connections_) {
    if (connection.state == State::open) watch_for(connection, EPOLLOUT);
  }
  std::uint64_t before = 0;
  auto changed = Clock::now();
  while (Clock::now() < stop_at_ && Clock::now() - changed < quiet) {
    epoll_event events[256];
    const int count = epoll_wait(epoll_, events, 256, 50);
    for (int i = 0; i < count; ++i) {
      Connection& connection = connections_[events[i].data.u64];
      if (events[i].events & (EPOLLERR | EPOLLHUP)) {
        lose(connection, "the server dropped a slow reader");
        continue;
      }
      if (connection.unsent == 0) {
        connection.unsent = to_send_.bytes_of(connection.first + connection.sent, burst);
        connection.sent += burst;
      }
      const std::string_view piece = to_send_.from(connection.send_at).substr(0, connection.unsent);
      const std::size_t taken = send_some(connection, piece);
      connection.unsent -= taken;
      connection.send_at = to_send_.advance(connection.send_at, taken);
    }
    if (bytes_sent_ != before) changed = Clock::now();
    before = bytes_sent_;
  }
  completed_ = bytes_sent_ / to_send_.frame_size();
}

}  // namespace bench
