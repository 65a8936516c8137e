// A WebSocket client that costs few cycles per message: one thread, one epoll, one receive buffer;
// frames are built before they are needed.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor.hpp"
#include "echo_check.hpp"
#include "frames.hpp"
#include "latency.hpp"
#include "options.hpp"

namespace bench {

using Clock = std::chrono::steady_clock;

constexpr std::size_t receive_size = 256 << 10;  // bytes

enum class State : unsigned char { unused, connecting, answering, open, closing };

struct Connection {
  int descriptor = -1;
  State state = State::unused;
  bool waits_to_write = false;
  std::string head;         // of the handshake's answer, while incomplete
  std::string replies;      // control frames to send once no frame is half sent
  std::size_t send_at = 0;  // in the ring of frames to send
  std::size_t unsent = 0;   // bytes of queued frames
  std::uint64_t sent = 0;   // messages, this one's all counted
  std::uint64_t received = 0;
  std::uint64_t probe = 0;  // number of the message whose echo is timed
  Clock::time_point probe_sent;
  EchoCheck check;
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
  template <typename Done>
  void loop_until(Done done);  // or until nothing happens any more, which is an error
  void turn(int timeout_ms);

  // --- one connection: load_connection.cpp -----------------------------------------------------

  std::size_t index_of(const Connection& connection) const noexcept;
  void watch_for(Connection& connection, int operation, std::uint32_t events);
  void start(std::size_t index);
  void send_request(Connection& connection);
  void read_some(Connection& connection);
  void read_answer(Connection& connection, std::string_view bytes);
  void read_echoes(Connection& connection, std::string_view bytes);
  // `under_way`: will be completed even if nothing more is begun.
  bool is_over(Clock::time_point now, std::size_t under_way) const noexcept;
  void queue(Connection& connection, std::size_t count, Clock::time_point now);
  void flush(Connection& connection);
  // The bytes that the socket took; waits for more room if that is not all.
  std::size_t send_some(Connection& connection, std::string_view bytes);
  void wait_to_write(Connection& connection, bool wait);
  void start_closing(Connection& connection);
  void finish_closing(Connection& connection);
  void lose(Connection& connection, const char* why);
  static void discard(Connection& connection) noexcept;

  const Options options_;
  const sockaddr_in address_;
  const Messages messages_;
  const FrameRing to_send_;
  const FrameRing expected_;
  const std::string request_;
  const std::string close_frame_;
  const int epoll_;
  std::vector<char> buffer_;
  std::vector<Connection> connections_;
  LatencyHistogram latency_;
  Clock::time_point stop_at_;
  Clock::time_point last_progress_;
  std::uint64_t completed_ = 0;  // echoes, or connections set up and closed
  std::size_t in_air_ = 0;       // messages queued whose echo has not come
  std::size_t opening_ = 0;
  std::size_t closing_ = 0;
  std::size_t errors_ = 0;
  bool warming_up_ = false;
  bool running_ = false;
  bool stdin_ended_ = false;
};

}  // namespace bench
