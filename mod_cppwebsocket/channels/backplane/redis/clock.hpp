// Machines' clocks differ, and a history's age would be what they differ by. So what travels has the time of the
// engine's clock, and what is here that of this machine's.
#pragma once

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "channels/store/record.hpp"

namespace cppwebsocket::channels {

class EngineClock {
 public:
  // `usec` since 1970, as INFO server has it from Redis 7 on; before, clocks are taken to be the same.
  void heard(std::string_view usec) noexcept {
    std::int64_t time = 0;
    const auto read = std::from_chars(usec.data(), usec.data() + usec.size(), time);
    if (read.ec == std::errc() && time >= 0) ahead_ms_ = time / 1000 - here_ms();
  }

  // What is added to a time of here. Thread: any.
  std::int64_t ahead_ms() const noexcept { return ahead_ms_; }
  std::int64_t now_ms() const noexcept { return here_ms() + ahead_ms_; }

  // A missed record has no time in it, but how long ago it was.
  void make_ours(Record& record) const noexcept {
    if (record.kind != RecordKind::missed) record.time_ms = shifted(record.time_ms, -ahead_ms_);
  }

  // Wraps around, for what comes from outside may be any number.
  static std::int64_t shifted(std::int64_t time_ms, std::int64_t by_ms) noexcept {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(time_ms) + static_cast<std::uint64_t>(by_ms));
  }

 private:
  static std::int64_t here_ms() noexcept {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  }

  std::atomic<std::int64_t> ahead_ms_{0};
};

}  // namespace cppwebsocket::channels
