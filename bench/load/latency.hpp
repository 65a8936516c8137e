// A histogram of durations in constant memory: 128 steps to each power of two, so that a
// percentile is exact to better than 1 %.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bench {

class LatencyHistogram {
 public:
  void record(std::uint64_t nanoseconds) noexcept {
    ++counts_[index_of(nanoseconds)];
    ++total_;
  }

  void clear() noexcept {
    counts_.fill(0);
    total_ = 0;
  }

  // The duration in microseconds that `share` (0–1) of all do not exceed; 0 if there are none.
  double percentile_us(double share) const noexcept {
    std::uint64_t left = static_cast<std::uint64_t>(share * static_cast<double>(total_));
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > left) return static_cast<double>(value_of(i)) / 1000.0;
      left -= counts_[i];
    }
    return 0;
  }

 private:
  static constexpr unsigned step_bits = 7;
  static constexpr std::uint64_t steps = 1 << step_bits;
  static constexpr unsigned max_bits = 40;  // 2^40 ns are 18 minutes

  static std::size_t index_of(std::uint64_t value) noexcept {
    if (value >= std::uint64_t{1} << max_bits) value = (std::uint64_t{1} << max_bits) - 1;
    if (value < steps) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - step_bits - 1;
    return (std::size_t{shift} << step_bits) + (value >> shift);
  }

  static std::uint64_t value_of(std::size_t index) noexcept {
    if (index < 2 * steps) return index;
    const unsigned shift = static_cast<unsigned>(index >> step_bits) - 1;
    return ((index & (steps - 1)) + steps) << shift;
  }

  std::array<std::uint64_t, (max_bits - step_bits + 1) << step_bits> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace bench
