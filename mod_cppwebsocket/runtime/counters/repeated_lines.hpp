// That no handler fills the error log: of its lines at one level so many are written in a minute, and of the rest how many
// there were.
// Thread: any.
#pragma once

#include <cppwebsocket/request_properties.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cppwebsocket::runtime {

class RepeatedLines {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr unsigned most = 20;  // lines
  static constexpr std::chrono::seconds window{60};

  // Whether a line is to be written. What is below notice always is: somebody has asked for it. Raises std::bad_alloc.
  bool may_write(std::string_view handler, LogLevel level, TimePoint now);

  // What was left out in minutes that are over, or by the end, in all; each is told of once.
  struct LeftOut {
    std::string handler;
    LogLevel level;
    std::uint64_t lines;
  };
  std::vector<LeftOut> take_over(TimePoint now);

 private:
  struct Minute {
    TimePoint begin;
    unsigned written = 0;
    std::uint64_t left_out = 0;
  };
  std::mutex mutex_;
  std::map<std::pair<std::string, LogLevel>, Minute, std::less<>> minutes_;  // GUARDED_BY(mutex_); of handlers that exist
};

}  // namespace cppwebsocket::runtime
