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
    (last_ ? last_->next : first_) = &operation;
    last_ = &operation;
  }

  // Looks for it: a session has one operation for each of its tasks, and most have one task.
  void remove(detail::Operation& operation) noexcept {
    detail::Operation* before = nullptr;
    for (auto* each = first_; each != &operation; each = each->next) before = each;
    (before ? before->next : first_) = operation.next;
    if (last_ == &operation) last_ = before;
  }

 private:
  detail::Operation* first_ = nullptr;
  detail::Operation* last_ = nullptr;
};

}  // namespace cppwebsocket::runtime
