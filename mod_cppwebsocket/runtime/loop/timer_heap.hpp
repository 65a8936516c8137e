// Timers of one reactor: a binary heap whose entries live in what they time. Arming, moving and
// disarming cost O(log n) and, but for the heap's own growth, no memory.
// Thread: owner.
#pragma once

#include <vector>

#include <cppwebsocket/detail/operations.hpp>

namespace cppwebsocket::runtime {

class TimerHeap {
 public:
  bool empty() const noexcept { return heap_.empty(); }
  detail::TimePoint next_deadline() const noexcept { return heap_.front()->deadline; }

  void arm(detail::TimerNode& timer, detail::TimePoint deadline);
  void disarm(detail::TimerNode& timer) noexcept;

  // Fires every timer that is due, earliest first. A timer may arm or disarm any while it fires. What
  // is armed for a time that has come fires in the next call with a later `now`: so nobody keeps this
  // one going.
  void fire_due(detail::TimePoint now);

 private:
  void place(std::size_t position, detail::TimerNode* timer) noexcept;
  void sift_up(std::size_t position) noexcept;
  void sift_down(std::size_t position) noexcept;

  std::vector<detail::TimerNode*> heap_;
  detail::TimePoint earliest_ = detail::TimePoint::min();  // that a timer may have: not fired yet
};

}  // namespace cppwebsocket::runtime
