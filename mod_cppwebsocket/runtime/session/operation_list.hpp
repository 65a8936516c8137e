// The operations that a session's coroutines are waiting for, in order of arrival. Linked through
// the operations, which live in the coroutines' frames.
// Thread: owner.
#pragma once

#include <cppwebsocket/detail/operations.hpp>

namespace cppwebsocket::runtime {

class OperationList {
 public:
  detail::Operation* front() const noexcept { return first_; }

  void push_back(detail::Operation& operation) noexcept {
    operation.next = nullptr;
    *place_of(nullptr) = &operation;
  }

  void remove(detail::Operation& operation) noexcept { *place_of(&operation) = operation.next; }

 private:
  friend struct DebugLayout;  // httpd/child/debug_layout.cpp
  // Looks for it: a session has one operation for each of its tasks, and most have one task.
  detail::Operation** place_of(const detail::Operation* operation) noexcept {
    detail::Operation** place = &first_;
    while (*place != operation) place = &(*place)->next;
    return place;
  }

  detail::Operation* first_ = nullptr;
};

}  // namespace cppwebsocket::runtime
