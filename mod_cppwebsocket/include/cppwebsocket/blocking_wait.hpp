// BlockingEvent and BlockingQueue<T>: the threads of one connection's blocking handler wait for each other. They
// are what Event and Queue are in coroutine handlers, and end their waits with the connection, which a
// condition_variable or a semaphore would not.
//
//   void web_socket_transfer_data(BlockingRequest& request) {
//     BlockingQueue<std::string> work(request, 16);
//     SpawnedThread worker(request, [&](std::stop_token) {
//       while (auto next = work.pop()) msgutil::send_message(request, "did " + *next);
//     });
//     while (auto message = msgutil::receive_message(request)) work.push(std::string(message->text()));
//   }
//
// Thread: any of the handler's, for all functions. They outlive the threads that use them, as a
// SpawnedThread behind them sees to.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include <cppwebsocket/blocking_request.hpp>
#include <cppwebsocket/exceptions.hpp>

namespace cppwebsocket {

class BlockingEvent {
 public:
  explicit BlockingEvent(BlockingRequest& request) noexcept : request_(request) {}

  bool is_set() const {
    bool result = false;
    request_.change([&] { result = is_set_; });
    return result;
  }
  // All who wait go on; whoever comes later does not wait, until reset().
  void set() {
    request_.change([this] { is_set_ = true; });
  }
  void reset() {
    request_.change([this] { is_set_ = false; });
  }

  // Returns when it is set: true, or false if `timeout` is over first. Raises ConnectionTerminatedException if the
  // connection ends first, or the calling thread is to end.
  void wait() { wait_until(std::chrono::steady_clock::time_point::max()); }
  bool wait(std::chrono::nanoseconds timeout) { return wait_until(detail::after(timeout)); }

 private:
  bool wait_until(detail::TimePoint deadline) {
    return request_.wait_until([this] { return is_set_; }, deadline);
  }

  BlockingRequest& request_;
  bool is_set_ = false;  // under the request's lock
};

template <typename T>
class BlockingQueue {
 public:
  // Raises BadOperationException for a capacity of 0.
  BlockingQueue(BlockingRequest& request, std::size_t capacity) : request_(request), capacity_(capacity) {
    if (capacity == 0) throw BadOperationException("a queue has room for one at least");
  }

  // Waits while it is full. Raises BadOperationException if the queue is closed, ConnectionTerminatedException if
  // the connection ends first, or the calling thread is to end: then the value is not in it.
  void push(T value) {
    bool closed = false;
    request_.wait_until([&] { return put(value, closed); }, detail::TimePoint::max());
    pushed(closed);
  }
  // False if it is full. Raises BadOperationException if the queue is closed.
  bool try_push(T value) {
    bool closed = false, taken = false;
    request_.change([&] { taken = put(value, closed); });
    if (taken) pushed(closed);
    return taken;
  }

  // The next value; waits while there is none. Empty once the queue is closed and what was in it has been taken. Raises
  // ConnectionTerminatedException if the connection ends first, or the calling thread is to end.
  std::optional<T> pop() { return pop_until(detail::TimePoint::max()); }
  // The same; raises TimeoutException after `timeout`.
  std::optional<T> pop(std::chrono::nanoseconds timeout) { return pop_until(detail::after(timeout)); }
  // What is already here, or nothing.
  std::optional<T> try_pop() {
    std::optional<T> value;
    request_.change([&] { take(value); });
    return value;
  }

  // No more comes.
  void close() {
    request_.change([this] { is_closed_ = true; });
  }

 private:
  bool put(T& value, bool& closed) {
    closed = is_closed_;
    if (closed) return true;
    if (values_.size() >= capacity_) return false;
    values_.push_back(std::move(value));
    return true;
  }
  void pushed(bool closed) {
    if (closed) throw BadOperationException("the queue is closed");
    request_.change([] {});  // who waits looks again
  }
  bool take(std::optional<T>& value) {
    if (values_.empty()) return is_closed_;
    value.emplace(std::move(values_.front()));
    values_.pop_front();
    return true;
  }
  std::optional<T> pop_until(detail::TimePoint deadline) {
    std::optional<T> value;
    if (!request_.wait_until([&] { return take(value); }, deadline))
      throw TimeoutException("nothing was put into the queue in time");
    if (value) request_.change([] {});
    return value;
  }

  BlockingRequest& request_;
  const std::size_t capacity_;
  std::deque<T> values_;  // under the request's lock, as below
  bool is_closed_ = false;
};

}  // namespace cppwebsocket
