#include "runtime/counters/repeated_lines.hpp"

namespace cppwebsocket::runtime {

bool RepeatedLines::may_write(std::string_view handler, LogLevel level, TimePoint now) {
  if (level > LogLevel::notice) return true;
  std::lock_guard lock(mutex_);
  Minute& minute = minutes_[{std::string(handler), level}];
  // What was left out of a minute that is over is told of first.
  if (now - minute.begin >= window && minute.left_out == 0) minute = {.begin = now};
  if (minute.written < most) return ++minute.written != 0;
  ++minute.left_out;
  return false;
}

std::vector<RepeatedLines::LeftOut> RepeatedLines::take_over(TimePoint now) {
  std::vector<LeftOut> all;
  std::lock_guard lock(mutex_);
  for (auto at = minutes_.begin(); at != minutes_.end();) {
    const auto& [key, minute] = *at;
    if (now - minute.begin < window) {
      ++at;
      continue;
    }
    if (minute.left_out != 0) all.push_back({key.first, key.second, minute.left_out});
    at = minutes_.erase(at);
  }
  return all;
}

}  // namespace cppwebsocket::runtime
