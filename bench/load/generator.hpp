// A WebSocket client that costs few cycles per message: one thread, one epoll, one receive buffer;
// frames are built before they are needed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compression.hpp"
#include "descriptor.hpp"
#include "echo_check.hpp"
#include "frames.hpp"
#include "latency.hpp"
#include "options.hpp"
#include "wire.hpp"

namespace bench {

using Clock = std::chrono::steady_clock;

constexpr std::size_t receive_size = 256 << 10;  // bytes

enum class State : unsigned char { unused, connecting, securing, answering, open, closing };

struct Connection {
  Wire wire;
  State state = State::unused;
  bool is_publisher = false;
  std::uint32_t watched = 0;  // events
  std::size_t body_left = 0;  // bytes of a GET's answer
  std::string head;           // of the handshake's answer, while incomplete
  std::string replies;        // control frames to send once no frame is half sent
  std::size_t first = 0;      // number of the first message in the ring of frames to send
  std::size_t send_at = 0;    // in that ring
  std::size_t unsent = 0;     // bytes of queued frames
  std::uint64_t sent = 0;     // messages, this one's all counted
  std::uint64_t received = 0;
  std::uint64_t probe = 0;  // number of the message whose echo is timed
  Clock::time_point probe_sent;
  EchoCheck check;
  std::unique_ptr<CompressedCheck> compressed;  // instead of `check`
};

class LoadGenerator {
 public:
  explicit LoadGenerator(const Options& options);

  // Does what the options ask for and prints the result. Returns the exit code.
  int run();

 private:
  // --- the phases of a run: load.cpp -----------------------------------------------------------

  void open_all();  // and one echo on each
  void measure();
  void hold();
  void close_all();
  void say_ready();
  static void wait_for_line();
  void report(double seconds);
  // Or until nothing happens any more, which is an error.
  void loop_until(const std::function<bool()>& done);
  void turn(int timeout_ms);
  // Lets as many of the resting connections begin as the rate allows by now.
  void wake_resting();
  void begin_next(Connection& connection, std::size_t count, Clock::time_point now);

  // --- one connection: connection.cpp ----------------------------------------------------------

  std::size_t index_of(const Connection& connection) const noexcept;
  void watch_for(Connection& connection, std::uint32_t events);
  void start(std::size_t index);
  void on_ready(Connection& connection, std::uint32_t events);
  void secure(Connection& connection);
  void send_request(Connection& connection);
  void read_some(Connection& connection);
  void read_bytes(Connection& connection, std::string_view bytes);
  void use_window(int bits);
  void read_answer(Connection& connection, std::string_view bytes);
  void read_body(Connection& connection, std::size_t count);
  void read_echoes(Connection& connection, std::string_view bytes);
  void complete(Connection& connection, std::size_t count);
  // `under_way`: will be completed even if nothing more is begun.
  bool is_over(Clock::time_point now, std::size_t under_way) const noexcept;
  void queue(Connection& connection, std::size_t count, Clock::time_point now);
  void flush(Connection& connection);
  // The bytes that the socket took; waits for more room if that is not all.
  std::size_t send_some(Connection& connection, std::string_view bytes);
  void start_closing(Connection& connection);
  void finish_closing(Connection& connection);
  void lose(Connection& connection, const char* why);
  void discard(Connection& connection) noexcept;

  // --- fan-out and deafness: crowd.cpp ---------------------------------------------------------

  Connection& publisher() noexcept { return connections_.back(); }
  std::size_t members() const noexcept { return connections_.size() - 1; }
  void read_deliveries(Connection& member, std::size_t count);
  void publish(std::size_t count, Clock::time_point now);
  void fan_out();
  void talk_to_deaf_ears();

  bool repeats_connections() const noexcept {
    return options_.mode == Mode::setup || options_.mode == Mode::get;
  }

  const Options options_;
  const sockaddr_in address_;
  const Messages messages_;
  int window_bits_ = MAX_WBITS;  // that to_send_ was compressed with
  FrameRing to_send_;
  const FrameRing expected_;
  const std::string request_;
  const std::string close_frame_;
  const int epoll_;
  const Tls tls_;
  std::vector<char> buffer_;
  std::vector<Connection> connections_;
  std::vector<std::size_t> resting_;  // connections that wait for their turn in the rate
  LatencyHistogram latency_;
  LatencyHistogram spread_;  // of a fan-out, from the first delivery to the last
  Clock::time_point first_delivery_;
  std::uint64_t first_delivered_ = 0;  // the newest message that has reached anybody
  Clock::time_point began_;
  Clock::time_point stop_at_;
  Clock::time_point last_progress_;
  std::uint64_t completed_ = 0;  // echoes, deliveries, or connections set up and closed
  std::uint64_t begun_ = 0;      // with a rate: messages or connections
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_received_ = 0;
  std::size_t in_air_ = 0;  // messages queued whose echo has not come
  std::size_t opening_ = 0;
  std::size_t closing_ = 0;
  std::size_t errors_ = 0;
  bool warming_up_ = false;
  bool running_ = false;
  bool stdin_ended_ = false;
};

}  // namespace bench
