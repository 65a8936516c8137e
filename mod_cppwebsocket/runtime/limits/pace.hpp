// How fast one connection's peer may send: messages and bytes in a time. Only connections that have such a limit
// have one of these. Thread: owner.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <cppwebsocket/close.hpp>

#include "runtime/limits/table.hpp"

namespace cppwebsocket::runtime {

struct PaceLimits {
  LimitRate messages;              // count 0: as many as it likes; pings and pongs count
  LimitRate bytes;                 // count 0: the same; as they come
  std::optional<CloseCode> close;  // none: it is not read from until it has kept the pace
};

class Pace {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit Pace(const PaceLimits& limits) noexcept : limits_(limits) {}

  const PaceLimits& limits() const noexcept { return limits_; }

  // False: it is too fast, and there was nothing left for this one.
  bool count_message(TimePoint now) noexcept { return count(limits_.messages, messages_until_, 1, now); }
  bool count_bytes(std::size_t bytes, TimePoint now) noexcept {
    return count(limits_.bytes, bytes_until_, bytes, now);
  }

  // When it is read from again; not later than `now`: at once, as always where who is too fast is closed.
  TimePoint next() const noexcept { return limits_.close ? TimePoint{} : next_; }

 private:
  static std::chrono::nanoseconds for_one(const LimitRate& rate, std::size_t many = 1) noexcept {
    const double each = static_cast<double>(rate.time.count()) / rate.count;
    return std::chrono::nanoseconds(static_cast<std::int64_t>(each * static_cast<double>(many)));
  }
  // `until`: when all that it has had is used up, at this rate.
  bool count(const LimitRate& rate, TimePoint& until, std::size_t many, TimePoint now) noexcept {
    if (rate.count == 0) return true;
    until = std::max(until, now) + for_one(rate, many);
    const TimePoint room_for_one = until + for_one(rate) - rate.time - slack;
    if (room_for_one > now) next_ = std::max({next_, room_for_one, now + least_pause});
    return until <= now + rate.time + slack;
  }
  static constexpr std::chrono::nanoseconds slack{1000};  // of rounding
  // Who sends thousands is read from a hundred times a second, and not for each of them.
  static constexpr std::chrono::milliseconds least_pause{10};

  const PaceLimits limits_;
  TimePoint messages_until_{};
  TimePoint bytes_until_{};
  TimePoint next_{};
};

}  // namespace cppwebsocket::runtime
