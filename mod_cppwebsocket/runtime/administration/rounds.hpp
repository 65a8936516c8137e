// Goes round a child's connections: each reactor looks at its own, a slice at a time, and whoever asked waits. A reactor
// that a handler keeps from it does not hold the others up, and does nothing more once nobody waits for it.
// Thread: any that may wait; no reactor's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <cppwebsocket/close.hpp>

#include "runtime/administration/selection.hpp"
#include "runtime/runtime.hpp"

namespace cppwebsocket::runtime {

struct Listed {
  std::vector<Sight> connections;  // by their ids
  std::uint64_t count = 0;         // of all that are meant, listed or not
  std::size_t silent = 0;          // reactors that have not answered in time
};
// Of those with an id above `after` the first `most`. Raises bad_alloc.
Listed list_connections(Runtime& runtime, const Selection& selection, std::uint64_t after, std::size_t most,
                        std::chrono::milliseconds time);

struct Closed {
  std::uint64_t count = 0;
  std::size_t silent = 0;
};
// Sends each that is open the Close, which must be one that may be sent. Raises bad_alloc.
Closed close_connections(Runtime& runtime, const Selection& selection, const Close& close,
                         std::chrono::milliseconds time);

// How long each reactor takes to come to what it is asked; none: longer than `time`. Raises bad_alloc.
std::vector<std::optional<std::chrono::microseconds>> call_reactors(Runtime& runtime, std::chrono::milliseconds time);

}  // namespace cppwebsocket::runtime
