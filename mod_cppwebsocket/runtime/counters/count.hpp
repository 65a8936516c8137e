// What is counted: words that one thread writes and any may read, in this process or, where they lie in shared memory,
// in others.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace cppwebsocket::runtime {

using Count = std::atomic<std::uint64_t>;
static_assert(Count::is_always_lock_free && sizeof(Count) == 8);

// Of a word that this thread alone writes: no locked instruction.
inline void add(Count& count, std::uint64_t more = 1) noexcept {
  count.store(count.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}
inline void subtract(Count& count, std::uint64_t less = 1) noexcept { add(count, 0 - less); }

// Of a word that several threads write.
inline void add_shared(Count& count, std::uint64_t more = 1) noexcept {
  count.fetch_add(more, std::memory_order_relaxed);
}

// How long something took, and how often: each bucket counts what was not longer than its bound, and longer than the
// one before. What is longer than the last bound is in `all` only.
struct TimeHistogram {
  static constexpr std::array<std::chrono::microseconds, 12> bounds = {
      std::chrono::microseconds(50),      std::chrono::microseconds(200),
      std::chrono::microseconds(1'000),   std::chrono::microseconds(2'500),
      std::chrono::microseconds(5'000),   std::chrono::microseconds(10'000),
      std::chrono::microseconds(25'000),  std::chrono::microseconds(100'000),
      std::chrono::microseconds(250'000), std::chrono::microseconds(1'000'000),
      std::chrono::microseconds(5'000'000), std::chrono::microseconds(30'000'000)};

  std::array<Count, bounds.size()> buckets{};
  Count all{0};
  Count nanoseconds{0};  // the sum

  // Thread: the one that writes. `by`: add, or add_shared where several do.
  void note(std::chrono::nanoseconds time, void (*by)(Count&, std::uint64_t) noexcept = add) noexcept {
    if (time.count() < 0) time = {};
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      if (time > bounds[i]) continue;
      by(buckets[i], 1);
      break;
    }
    by(all, 1);
    by(nanoseconds, static_cast<std::uint64_t>(time.count()));
  }
};

}  // namespace cppwebsocket::runtime
