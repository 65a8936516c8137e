// bench_load: measures a WebSocket server from the outside. This file: the phases of a run.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "client_handshake.hpp"
#include "generator.hpp"

namespace bench {
namespace {

constexpr std::size_t opening_at_once = 16;          // connections
constexpr auto patience = std::chrono::seconds(10);  // without any progress; then we give up
constexpr std::uint64_t stdin_token = UINT64_MAX;

FrameRing ring_to_send(const Messages& messages, const Options& options) {
  if (options.compression != Compression::none) {
    return compressed_ring(messages, options.compression == Compression::takeover, MAX_WBITS);
  }
  // A burst that is larger than a read is cut anyway; it need not be in one piece.
  return plain_ring(messages, true,
                    std::min(options.in_flight, 1 + receive_size / (options.size + 1)));
}

}  // namespace

LoadGenerator::LoadGenerator(const Options& options)
    : options_(options),
      address_(ipv4_address(options.host, options.port)),
      messages_(options.size, options.content),
      to_send_(ring_to_send(messages_, options)),
      expected_(plain_ring(messages_, false, 0)),
      request_(make_request(options, options.path)),
      close_frame_(make_frame(close, std::string_view("\x03\xe8", 2), true)),
      epoll_(require(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      tls_(options.tls ? make_tls(TLS_client_method()) : nullptr),
      buffer_(receive_size),
      connections_(options.connections + (options.mode == Mode::fan_out ? 1 : 0)) {}

int LoadGenerator::run() {
  if (!repeats_connections()) open_all();
  if (options_.wait_for_go || options_.mode == Mode::idle) say_ready();
  began_ = Clock::now();
  stop_at_ = began_ + std::chrono::duration_cast<Clock::duration>(options_.duration);
  if (options_.mode == Mode::idle) {
    hold();
  } else {
    completed_ = 0;  // without the warm-up's
    bytes_sent_ = bytes_received_ = 0;
    latency_.clear();
    spread_.clear();
    measure();
  }
  report(std::chrono::duration<double>(Clock::now() - began_).count());
  if (options_.wait_for_go) wait_for_line();  // the caller may look at the server meanwhile
  close_all();
  return errors_ == 0 ? 0 : 1;
}

void LoadGenerator::open_all() {
  std::size_t started = 0;
  warming_up_ = true;
  loop_until([&] {
    while (started < connections_.size() && opening_ < opening_at_once) start(started++);
    return started == connections_.size() && opening_ == 0 && in_air_ == 0;
  });
  if (options_.mode == Mode::fan_out && errors_ == 0) {
    // A handshake may be answered an instant before the server has made the connection a member.
    ::usleep(100'000);
    publish(1, Clock::now());
    loop_until([&] { return in_air_ == 0; });
  }
  warming_up_ = false;
}

void LoadGenerator::measure() {
  if (options_.mode == Mode::fan_out) return fan_out();
  if (options_.mode == Mode::deaf) return talk_to_deaf_ears();
  running_ = true;
  if (options_.rate != 0) {
    for (std::size_t i = connections_.size(); i-- > 0;) resting_.push_back(i);
    loop_until([&] {
      wake_resting();
      return in_air_ + opening_ + closing_ == 0 && is_over(Clock::now(), 0);
    });
    return;
  }
  if (repeats_connections()) {
    for (std::size_t i = 0; i < connections_.size(); ++i) start(i);
    loop_until([&] { return opening_ == 0 && closing_ == 0; });
    return;
  }
  for (auto& connection : connections_) {
    if (connection.state == State::open) queue(connection, options_.in_flight, Clock::now());
  }
  for (auto& connection : connections_) {
    if (connection.state == State::open) flush(connection);
  }
  loop_until([&] { return in_air_ == 0; });
}

void LoadGenerator::wake_resting() {
  const auto now = Clock::now();
  if (is_over(now, in_air_ + opening_ + closing_)) running_ = false;
  const double due = std::chrono::duration<double>(now - began_).count() * options_.rate;
  // Not the one that has rested least: each gets its turn.
  std::size_t woken = 0;
  while (running_ && woken < resting_.size() && static_cast<double>(begun_) < due) {
    const std::size_t index = resting_[woken++];
    ++begun_;
    if (repeats_connections()) {
      start(index);
    } else if (connections_[index].state == State::open) {
      queue(connections_[index], 1, now);
      flush(connections_[index]);
    }
  }
  resting_.erase(resting_.begin(), resting_.begin() + static_cast<std::ptrdiff_t>(woken));
}

void LoadGenerator::begin_next(Connection& connection, std::size_t count, Clock::time_point now) {
  if (!running_) return;
  if (is_over(now, in_air_ + opening_ + closing_))
    running_ = false;
  else if (options_.rate != 0)
    resting_.push_back(index_of(connection));
  else if (repeats_connections())
    start(index_of(connection));
  else
    queue(connection, count, now);
}

void LoadGenerator::hold() {
  epoll_event event{EPOLLIN, {.u64 = stdin_token}};
  // A file cannot be waited for: then there is nobody who would close it later.
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0) return;
  while (!stdin_ended_) turn(-1);
  epoll_ctl(epoll_, EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
}

void LoadGenerator::close_all() {
  running_ = false;
  for (auto& connection : connections_) {
    if (connection.state != State::open) continue;
    if (options_.mode == Mode::deaf)
      discard(connection);  // a Close would come behind what was not read
    else
      start_closing(connection);
  }
  loop_until([&] { return closing_ == 0; });
}

void LoadGenerator::say_ready() {
  std::puts("ready");
  std::fflush(stdout);
  if (options_.wait_for_go) wait_for_line();
}

void LoadGenerator::wait_for_line() {
  char c = 0;
  while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
  }
}

void LoadGenerator::report(double seconds) {
  std::printf(
      "{\"messages\": %llu, \"seconds\": %.6f, \"messages_per_second\": %.1f, "
      "\"p50_us\": %.1f, \"p99_us\": %.1f, \"first_to_last_us\": %.1f, \"bytes_sent\": %llu, \"bytes_received\": %llu, "
      "\"errors\": %zu}\n",
      static_cast<unsigned long long>(completed_), seconds,
      static_cast<double>(completed_) / seconds, latency_.percentile_us(0.50),
      latency_.percentile_us(0.99), spread_.percentile_us(0.50), static_cast<unsigned long long>(bytes_sent_),
      static_cast<unsigned long long>(bytes_received_), errors_);
  std::fflush(stdout);
}

void LoadGenerator::loop_until(const std::function<bool()>& done) {
  last_progress_ = Clock::now();
  while (!done()) {
    turn(options_.rate != 0 && running_ ? 1 : 1000);
    if (Clock::now() - last_progress_ < patience) continue;
    std::fprintf(stderr,
                 "bench_load: no progress for 10 s; %zu echoes, %zu openings, %zu closings "
                 "are missing\n",
                 in_air_, opening_, closing_);
    errors_ += in_air_ + opening_ + closing_;
    in_air_ = opening_ = closing_ = 0;
    for (auto& connection : connections_) discard(connection);
    return;
  }
}

void LoadGenerator::turn(int timeout_ms) {
  epoll_event events[256];
  const int count = epoll_wait(epoll_, events, 256, timeout_ms);
  if (count < 0 && errno != EINTR) require(count, "epoll_wait");
  for (int i = 0; i < count; ++i) {
    if (events[i].data.u64 == stdin_token) {
      char ignored[256];
      stdin_ended_ = read(STDIN_FILENO, ignored, sizeof ignored) <= 0;
      continue;
    }
    on_ready(connections_[events[i].data.u64], events[i].events);
  }
  if (count > 0) last_progress_ = Clock::now();
}

}  // namespace bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  try {
    const bench::Options options = bench::parse_options(argc, argv);
    return bench::LoadGenerator(options).run();
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "bench_load: %s\n%s", error.what(), bench::usage);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_load: %s\n", error.what());
    return 1;
  }
}
