// The sheet added up: all children of all generations.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "runtime/counters/sheet.hpp"

namespace cppwebsocket::runtime {

inline std::uint64_t value(const Count& count) noexcept { return count.load(std::memory_order_relaxed); }

// Children go on counting while it is made: each number is right by itself. A few hundred KiB: not for a stack.
struct Totals {
  // Of the first `seats` seats; those for which `is_alive` is false have no connections now.
  Totals(const Sheet& sheet, std::size_t seats, const std::function<bool(std::size_t)>& is_alive);

  ChildCount children;
  Count in{0}, out{0};  // bytes of the network
  TimeHistogram rounds, turns, waits;
  std::map<std::pair<std::string, std::string>, HandlerCounters> handlers;  // by name and way in
};

}  // namespace cppwebsocket::runtime
