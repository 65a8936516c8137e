// The sessions of a loop that pin much memory, and what is done when all of a child's pin too much: the greediest is
// not read from any more, and if that does not help within a second, it is closed with 1013. Those that pin less than
// Pins::worth are not counted, so that small messages cost nothing. Thread: the loop's.
#pragma once

#include <cstddef>
#include <vector>

#include <cppwebsocket/detail/operations.hpp>

#include "runtime/limits/pinned_memory.hpp"

namespace cppwebsocket::runtime {

class Connection;
class Pins;

// One connection's; goes with it.
class Pin {
 public:
  Pin(Connection& connection, Pins& pins) noexcept : connection_(connection), pins_(pins) {}
  ~Pin();
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

  bool is_slowed() const noexcept { return is_slowed_; }
  // When to look whether it may go on; the end of time: it may.
  detail::TimePoint next() const noexcept { return is_slowed_ ? next_ : detail::TimePoint::max(); }
  // Does what is due, in a turn of the connection.
  void look_after();

 private:
  friend class Pins;
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  Connection& connection_;
  Pins& pins_;
  std::size_t bytes_ = 0;
  std::size_t place_ = nowhere;  // among the loop's
  bool is_slowed_ = false;
  detail::TimePoint slowed_at_{};
  detail::TimePoint next_{};
};

class Pins {
 public:
  static constexpr std::size_t worth = 4 << 10;  // bytes

  void bound(PinnedMemory* memory) noexcept { memory_ = memory; }  // null: nothing is counted
  bool are_counted() const noexcept { return memory_ != nullptr; }

  // What `connection` pins now; at the end of its turn, if that is `worth` it or it has a Pin.
  void count(Connection& connection) noexcept;

 private:
  friend class Pin;
  void set(Pin& pin, std::size_t bytes);
  void relieve(detail::TimePoint now) noexcept;
  Pin* greediest() const noexcept;  // of those that are open

  PinnedMemory* memory_ = nullptr;
  std::vector<Pin*> all_;
  detail::TimePoint relieved_at_{};
};

}  // namespace cppwebsocket::runtime
