// The coroutines that wait for an Event or a Queue, in the order of their coming.
// Thread: the connection's.
#pragma once

#include <coroutine>
#include <exception>

#include <cppwebsocket/request.hpp>

namespace cppwebsocket::detail {

class EventList {
 public:
  explicit EventList(Request& request) noexcept : request_(request) {}
  EventList(const EventList&) = delete;
  EventList& operator=(const EventList&) = delete;
  // Whoever waits raises BadOperationException.
  ~EventList() {
    while (EventOperation* const operation = first_) {
      remove(*operation);
      if (operation->chosen || operation->error) continue;
      operation->error = std::make_exception_ptr(
          BadOperationException("what a task waits for has gone: declare an Event or a Queue before it"));
      request_.wake(*operation);
    }
  }

  // Waits from now on; raises if the connection's waits have ended.
  void wait(EventOperation& operation) {
    request_.begin(operation);
    operation.list = this;
    operation.previous_waiter = last_;
    (last_ ? last_->next_waiter : first_) = &operation;
    last_ = &operation;
  }
  // Who waits longest, and has not been told yet; or null.
  EventOperation* first() const noexcept {
    EventOperation* operation = first_;
    while (operation && (operation->chosen || operation->error)) operation = operation->next_waiter;
    return operation;
  }
  // It goes on, soon.
  void choose(EventOperation& operation) noexcept {
    operation.chosen = true;
    request_.wake(operation);
  }
  void remove(EventOperation& operation) noexcept {
    (operation.previous_waiter ? operation.previous_waiter->next_waiter : first_) = operation.next_waiter;
    (operation.next_waiter ? operation.next_waiter->previous_waiter : last_) = operation.previous_waiter;
    operation.list = nullptr;
  }

 private:
  Request& request_;
  EventOperation* first_ = nullptr;
  EventOperation* last_ = nullptr;
};

}  // namespace cppwebsocket::detail
