#include "runtime/loop/timer_heap.hpp"

#include <algorithm>

namespace cppwebsocket::runtime {

using detail::TimerNode;

void TimerHeap::arm(TimerNode& timer, detail::TimePoint deadline) {
  deadline = std::max(deadline, earliest_);
  if (!timer.armed()) {
    heap_.push_back(&timer);
    timer.position = heap_.size() - 1;
  }
  timer.deadline = deadline;
  sift_up(timer.position);
  sift_down(timer.position);
}

void TimerHeap::disarm(TimerNode& timer) noexcept {
  if (!timer.armed()) return;
  const std::size_t position = timer.position;
  timer.position = TimerNode::unarmed;
  TimerNode* last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  place(position, last);
  sift_up(position);
  sift_down(last->position);
}

void TimerHeap::fire_due(detail::TimePoint now) {
  earliest_ = now + detail::TimePoint::duration(1);
  while (!heap_.empty() && heap_.front()->deadline <= now) {
    TimerNode& timer = *heap_.front();
    disarm(timer);
    timer.fire(timer);
  }
}

void TimerHeap::place(std::size_t position, TimerNode* timer) noexcept {
  heap_[position] = timer;
  timer->position = position;
}

void TimerHeap::sift_up(std::size_t position) noexcept {
  TimerNode* timer = heap_[position];
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (heap_[parent]->deadline <= timer->deadline) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, timer);
}

void TimerHeap::sift_down(std::size_t position) noexcept {
  TimerNode* timer = heap_[position];
  for (;;) {
    std::size_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->deadline < heap_[child]->deadline) ++child;
    if (timer->deadline <= heap_[child]->deadline) break;
    place(position, heap_[child]);
    position = child;
  }
  place(position, timer);
}

}  // namespace cppwebsocket::runtime
