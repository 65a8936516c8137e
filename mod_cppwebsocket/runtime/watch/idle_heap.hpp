// After a peak of connections malloc keeps what they had: tells when it is time to give it back to the system.
// Thread: one.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace cppwebsocket::runtime {

class IdleHeap {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // To be asked about once a second; `most`: how many there have been at once since the last time. True, once for each
  // peak: at least half of its connections have gone, and the others stay for a while, so that nobody is kept waiting
  // who comes back at once.
  bool is_due(std::size_t connections, std::size_t most, TimePoint now) noexcept {
    peak_ = std::max({peak_, most, connections});
    if (connections + settled_ / 16 < settled_ || settled_ < connections) {
      settled_ = connections;
      settled_at_ = now;
    }
    if (connections > peak_ / 2 || peak_ - connections < least_gone || now - settled_at_ < quiet) return false;
    peak_ = connections;
    return true;
  }

 private:
  static constexpr std::size_t least_gone = 256;
  static constexpr std::chrono::milliseconds quiet{1'500};

  std::size_t peak_ = 0;  // since the last time
  std::size_t settled_ = 0;
  TimePoint settled_at_{};
};

}  // namespace cppwebsocket::runtime
