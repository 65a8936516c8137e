// A child's lines of WebSocketLog on their way to the process that writes them.
#pragma once

#include "httpd/connection_log/format.hpp"
#include "runtime/counters/sheet.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

namespace cppwebsocket::httpd {

class LogSender {
 public:
  // `socket`: of take_log_socket(). Counts in `counts`, which outlives it, and calls `lost` once lines are lost.
  LogSender(int socket, runtime::ChildCount& counts, std::function<void()> lost);
  LogSender(const LogSender&) = delete;
  LogSender& operator=(const LogSender&) = delete;

  // Never waits: what the socket does not take at once is kept, 1 MiB at most, for a thread to send; more is lost, and
  // counted. A line that is too long is cut. Thread: any.
  void send(std::uint64_t id, std::string_view line) noexcept;

  // Waits until all is sent, a second at most. Only looks and sleeps: prefork calls it inside a signal handler.
  void finish() noexcept;

 private:
  static constexpr std::size_t most_kept = 1 << 20;  // bytes
  void keep(std::string&& packet);
  void send_kept() noexcept;

  const int socket_;
  runtime::ChildCount& counts_;
  const std::function<void()> lost_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> kept_;              // GUARDED_BY(mutex_), as the next
  bool has_thread_ = false;
  std::atomic<std::size_t> kept_bytes_{0};    // changed with it
};

}  // namespace cppwebsocket::httpd
