#include "runtime/reactor/room_for_children.hpp"

#include <algorithm>
#include <map>

namespace cppwebsocket::runtime {

std::size_t spare_places(std::size_t places, std::size_t idle_children) noexcept {
  // A new generation begins with StartServers, which nobody can ask an MPM for; it is seldom more
  // than one above the idle ones. Where places are few, most are for those that have connections.
  return std::min(1 + places / 4, 2 * (idle_children + 1));
}

std::uint64_t oldest_that_may_drain(std::span<const TakenPlace> taken, std::uint64_t running,
                                    std::size_t places, std::size_t spare) {
  std::map<std::uint64_t, std::size_t> leaving;  // by generation
  for (const TakenPlace& place : taken)
    if (place.leaving && !place.overdue) ++leaving[place.generation];
  std::size_t free = places - std::min(places, taken.size());
  std::uint64_t oldest = 0;
  for (const auto& [generation, children] : leaving) {
    if (free >= (generation == running ? 1 : spare)) break;
    free += children;
    oldest = generation + 1;
  }
  return oldest;
}

}  // namespace cppwebsocket::runtime
