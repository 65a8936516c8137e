// Which children that drain must make room, so that httpd always has a place for new ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cppwebsocket::runtime {

// A place that a child has.
struct TakenPlace {
  std::uint64_t generation = 0;  // of httpd's configuration, which each restart begins anew
  bool leaving = false;          // takes no new connections: drains, or is about to
  bool overdue = false;          // should have made room some time ago: its place is not counted on
};

// How many of `places` are to be free for new children, so that two restarts in a row find some:
// the second comes before those have gone who make room because of the first. `idle_children`:
// what the MPM always has ready for new connections.
std::size_t spare_places(std::size_t places, std::size_t idle_children) noexcept;

// The oldest generation that may go on draining: the children of those before it that are leaving
// make room now. They are as few whole generations as leave `spare` of all `places` free. Those
// leaving of the `running` one make room only when no place is free: no restart made them leave.
// Raises bad_alloc.
std::uint64_t oldest_that_may_drain(std::span<const TakenPlace> taken, std::uint64_t running,
                                    std::size_t places, std::size_t spare);

}  // namespace cppwebsocket::runtime
