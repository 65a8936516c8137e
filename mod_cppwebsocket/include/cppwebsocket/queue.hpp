// Queue<T>: from tasks of one connection to others of it, in order, with a bound that makes whoever is too fast
// wait. `T` can be moved.
//
//   Task<> web_socket_transfer_data(Request& request) {
//     Queue<std::string> work(request, 16);
//     request.spawn([&]() -> Task<> {
//       while (auto next = co_await work.pop()) co_await msgutil::send_message(request, *next);
//     });
//     while (auto message = co_await msgutil::receive_message(request))
//       co_await work.push("did " + std::string(message->text()));
//   }
//
// Thread: the connection's, for all of it. Blocking handlers have BlockingQueue (blocking_wait.hpp).
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include <cppwebsocket/detail/event_list.hpp>

namespace cppwebsocket {

template <typename T>
class Queue;

namespace detail {

// A task that waits for a queue, with what it gives or gets.
template <typename T>
struct QueueOperation : EventOperation {
  QueueOperation(Queue<T>& its_queue, std::optional<T> its_value)
      : queue(its_queue), value(std::move(its_value)) {}
  Queue<T>& queue;  // while it is in a list
  std::optional<T> value;
};

template <typename T>
class [[nodiscard]] PopAwaiter {
 public:
  explicit PopAwaiter(Queue<T>& queue) noexcept : operation_(queue, std::nullopt) {}
  bool await_ready() { return operation_.queue.begin_pop(operation_); }
  void await_suspend(std::coroutine_handle<> waiting, std::uint32_t line = __builtin_LINE()) noexcept {
    operation_.suspend(waiting, line);
  }
  std::optional<T> await_resume() {
    if (operation_.list) operation_.queue.end_pop(operation_);
    operation_.rethrow_error();
    return std::move(operation_.value);
  }

 private:
  QueueOperation<T> operation_;
};

template <typename T>
class [[nodiscard]] PushAwaiter {
 public:
  PushAwaiter(Queue<T>& queue, T value) : operation_(queue, std::move(value)) {}
  bool await_ready() { return operation_.queue.begin_push(operation_); }
  void await_suspend(std::coroutine_handle<> waiting, std::uint32_t line = __builtin_LINE()) noexcept {
    operation_.suspend(waiting, line);
  }
  void await_resume() {
    if (operation_.list) operation_.list->remove(operation_);
    operation_.rethrow_error();
  }

 private:
  QueueOperation<T> operation_;
};

}  // namespace detail

// Lives as long as anybody waits for it: if it goes earlier, those raise BadOperationException.
template <typename T>
class Queue {
 public:
  // Raises BadOperationException for a capacity of 0.
  Queue(Request& request, std::size_t capacity)
      : capacity_(capacity), poppers_(request), pushers_(request) {
    if (capacity == 0) throw BadOperationException("a queue has room for one at least");
  }

  std::size_t size() const noexcept { return values_.size(); }
  std::size_t capacity() const noexcept { return capacity_; }
  bool is_closed() const noexcept { return is_closed_; }

  // co_await queue.push(value): waits while it is full. Raises BadOperationException if the queue is closed, even
  // while it waits, ConnectionTerminatedException if the connection ends first: then the value is not in it.
  detail::PushAwaiter<T> push(T value) { return {*this, std::move(value)}; }
  // False if it is full. Raises BadOperationException if the queue is closed.
  bool try_push(T value) {
    require_open();
    if (is_full()) return false;
    put(std::move(value));
    return true;
  }

  // co_await queue.pop(): the next value; waits while there is none. Empty once the queue is closed and what was in it
  // has been taken. Raises ConnectionTerminatedException if the connection ends first. Several may wait: the
  // first that came gets the first value. One that is given up (when_any) takes none.
  detail::PopAwaiter<T> pop() { return detail::PopAwaiter<T>(*this); }
  // What is already here, or nothing.
  std::optional<T> try_pop() {
    if (values_.empty()) return std::nullopt;
    std::optional<T> value(std::move(values_.front()));
    values_.pop_front();
    if (auto* const pusher = waiting_in(pushers_)) {
      values_.push_back(std::move(*pusher->value));
      pushers_.choose(*pusher);
    }
    return value;
  }

  // No more comes.
  void close() noexcept {
    is_closed_ = true;
    while (auto* const popper = poppers_.first()) poppers_.choose(*popper);
    while (auto* const pusher = pushers_.first()) {
      pusher->error = std::make_exception_ptr(BadOperationException(closed_text));
      pushers_.choose(*pusher);
    }
  }

 private:
  friend detail::PopAwaiter<T>;
  friend detail::PushAwaiter<T>;
  using Operation = detail::QueueOperation<T>;

  static constexpr char closed_text[] = "the queue is closed";

  static Operation* waiting_in(const detail::EventList& list) noexcept {
    return static_cast<Operation*>(list.first());
  }
  bool is_full() const noexcept { return values_.size() >= capacity_; }
  void require_open() const {
    if (is_closed_) throw BadOperationException(closed_text);
  }
  void put(T&& value) {
    if (auto* const popper = waiting_in(poppers_)) {
      popper->value = std::move(value);
      poppers_.choose(*popper);
    } else {
      values_.push_back(std::move(value));
    }
  }

  bool begin_push(Operation& operation) {
    require_open();
    if (is_full()) {
      pushers_.wait(operation);
      return false;
    }
    put(std::move(*operation.value));
    return true;
  }
  bool begin_pop(Operation& operation) {
    operation.value = try_pop();
    if (operation.value || is_closed_) return true;
    poppers_.wait(operation);
    return false;
  }
  // What was given to one who is not there to take it goes to the next.
  void end_pop(Operation& operation) {
    poppers_.remove(operation);
    if (!operation.error || !operation.value) return;
    if (auto* const popper = waiting_in(poppers_)) {
      popper->value = std::move(operation.value);
      poppers_.choose(*popper);
    } else {
      values_.push_front(std::move(*operation.value));
    }
  }

  const std::size_t capacity_;
  std::deque<T> values_;
  bool is_closed_ = false;
  detail::EventList poppers_;
  detail::EventList pushers_;
};

}  // namespace cppwebsocket
