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
    operation.previous = last_;
    operation.next = nullptr;
    (last_ ? last_->next : first_) = &operation;
    last_ = &operation;
  }

  void remove(detail::Operation& operation) noexcept {
    (operation.previous ? operation.previous->next : first_) = operation.next;
    (operation.next ? operation.next->previous : last_) = operation.previous;
  }

 private:
  detail::Operation* first_ = nullptr;
  detail::Operation* last_ = nullptr;
};

}  // namespace cppwebsocket::runtime
