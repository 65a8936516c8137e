// What the connections of a child pin, all together, of memory: what they have not sent, what their handlers have not
// taken, messages that are not complete. And the bound of it (WebSocketMemory). Thread: any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace cppwebsocket::runtime {

class PinnedMemory {
 public:
  explicit PinnedMemory(std::size_t most) noexcept : most_(most) {}

  std::size_t most() const noexcept { return most_; }  // bytes
  std::size_t total() const noexcept { return total_.load(std::memory_order_relaxed); }
  bool is_over() const noexcept { return total() > most_; }
  bool has_room() const noexcept { return total() <= most_ - most_ / 8; }
  void change(std::size_t from, std::size_t to) noexcept { total_.fetch_add(to - from, std::memory_order_relaxed); }

  // How many were not read from for a while, and how many were closed, on account of it.
  std::uint64_t slowed() const noexcept { return slowed_; }
  std::uint64_t closed() const noexcept { return closed_; }
  void count_slowed() noexcept { ++slowed_; }
  void count_closed() noexcept { ++closed_; }

  // True once a minute: what a crowd causes must not fill the log.
  bool may_warn(std::chrono::steady_clock::time_point now) noexcept {
    auto last = warned_.load();
    const bool is_recent = last.time_since_epoch().count() != 0 && now - last < std::chrono::minutes(1);
    return !is_recent && warned_.compare_exchange_strong(last, now);
  }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> total_{0};
  std::atomic<std::uint64_t> slowed_{0};
  std::atomic<std::uint64_t> closed_{0};
  std::atomic<std::chrono::steady_clock::time_point> warned_{};
};

}  // namespace cppwebsocket::runtime
