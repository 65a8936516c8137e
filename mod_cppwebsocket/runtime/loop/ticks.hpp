// A time of the last weeks in four bytes, to some milliseconds: sessions have several.
#pragma once

#include <chrono>
#include <cstdint>

#include <cppwebsocket/detail/operations.hpp>

namespace cppwebsocket::runtime {

class Ticks {
 public:
  Ticks() = default;
  explicit Ticks(detail::TimePoint time) noexcept : ticks_(static_cast<std::uint32_t>(whole(time))) {}

  // The time that it was, at most 1.05 ms too early: not after `now`, and at most 52 days before it.
  detail::TimePoint before(detail::TimePoint now) const noexcept {
    const std::int64_t reference = whole(now);
    const std::uint32_t ago = static_cast<std::uint32_t>(reference) - ticks_;
    return detail::TimePoint(std::chrono::nanoseconds((reference - ago) * tick));
  }

 private:
  static constexpr std::int64_t tick = 1 << 20;  // ns
  static std::int64_t whole(detail::TimePoint time) noexcept { return time.time_since_epoch().count() / tick; }

  std::uint32_t ticks_ = 0;
};

}  // namespace cppwebsocket::runtime
