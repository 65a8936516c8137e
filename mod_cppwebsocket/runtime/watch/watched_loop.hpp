// One event loop as the watchdog sees it: since when its round goes on, and what it does in it. And
// what the watchdog has found, for whoever asks.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include <sys/types.h>

#include "runtime/watch/running.hpp"

namespace cppwebsocket::runtime {

class WatchedLoop {
 public:
  using Clock = std::chrono::steady_clock;

  explicit WatchedLoop(Running::Describe describe) noexcept : running_(describe) {}

  // --- Thread: the loop's --------------------------------------------------------------------

  Running& running() noexcept { return running_; }
  void set_thread(pid_t thread) noexcept { thread_.store(thread, std::memory_order_relaxed); }

  // A round begins at `now`, and ends where the loop waits.
  void begin_round(Clock::time_point now) noexcept { since_.store(count(now), std::memory_order_relaxed); }
  void end_round() noexcept { since_.store(waiting, std::memory_order_relaxed); }

  // --- Thread: any -----------------------------------------------------------------------------

  // How long the round goes on that it is in; zero while it waits.
  Clock::duration round_age(Clock::time_point now) const noexcept {
    const auto since = since_.load(std::memory_order_relaxed);
    return since == waiting ? Clock::duration::zero()
                            : std::max(now - time(since), Clock::duration::zero());
  }
  Clock::time_point round_since() const noexcept {  // the clock's zero: it waits
    return time(since_.load(std::memory_order_relaxed));
  }
  pid_t thread() const noexcept { return thread_.load(std::memory_order_relaxed); }

  // Rounds that were longer than WebSocketStallWarning so far, the one that goes on included.
  std::uint64_t stalls() const noexcept { return stalls_.load(std::memory_order_relaxed); }
  bool is_stalled() const noexcept { return stalled_since_.load(std::memory_order_relaxed) != waiting; }
  Clock::time_point stalled_since() const noexcept {  // the clock's zero: it is not
    return time(stalled_since_.load(std::memory_order_relaxed));
  }

  // --- Thread: the watchdog's ------------------------------------------------------------------

  void stall_begins(Clock::time_point since) noexcept {
    stalls_.fetch_add(1, std::memory_order_relaxed);
    stalled_since_.store(count(since), std::memory_order_relaxed);
  }
  void stall_ends() noexcept { stalled_since_.store(waiting, std::memory_order_relaxed); }

 private:
  static constexpr std::int64_t waiting = 0;
  static std::int64_t count(Clock::time_point at) noexcept {
    return std::chrono::nanoseconds(at.time_since_epoch()).count();
  }
  static Clock::time_point time(std::int64_t count) noexcept {
    return Clock::time_point(std::chrono::nanoseconds(count));
  }

  Running running_;
  std::atomic<std::int64_t> since_{waiting};  // nanoseconds of the clock, as below
  std::atomic<pid_t> thread_{0};
  std::atomic<std::uint64_t> stalls_{0};
  std::atomic<std::int64_t> stalled_since_{waiting};
};

}  // namespace cppwebsocket::runtime
