// What all connections of a test's server share: its clock, what is to go on, and who waits.
// Part of testing.hpp.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cppwebsocket/detail/operations.hpp>
#include <cppwebsocket/testing/descriptors.hpp>

namespace cppwebsocket::testing {

// What a test expected, and what happened instead.
class Failure : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

namespace detail {

using cppwebsocket::detail::Operation;
using cppwebsocket::detail::TimePoint;

// A coroutine that starts at once and frees itself.
struct Started {
  struct promise_type {
    Started get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

// Coroutines run on the test's thread, in settle(); blocking handlers on threads of their own, while the test
// waits in settle().
class Stage {
 public:
  using Lock = std::unique_lock<std::recursive_mutex>;
  using Test = std::function<bool()>;

  Lock lock() { return Lock(mutex_); }
  TimePoint now() const noexcept { return now_; }

  // Handlers make deadlines from the clock on the wall, of which little goes by in a test.
  TimePoint in_own_time(TimePoint deadline) const noexcept {
    if (deadline == TimePoint::max()) return deadline;
    const auto left = deadline - std::chrono::steady_clock::now();
    return now_ + std::chrono::ceil<std::chrono::milliseconds>(left);
  }

  // --- coroutines ---

  // It goes on in settle(), by `resume`.
  void complete(Operation& operation, std::exception_ptr error, std::function<void()> resume) {
    Lock held(mutex_);
    operation.error = std::move(error);
    std::erase_if(timers_, [&](const Timer& each) { return each.operation == &operation; });
    descriptors_.forget(&operation);
    ready_.push_back(std::move(resume));
    changed_.notify_all();
  }
  void complete(Operation& operation, std::exception_ptr error = nullptr) {
    complete(operation, std::move(error), [&operation] { operation.waiting.resume(); });
  }
  // Calls `fire` at that time, unless `operation` was completed before.
  void at(TimePoint time, Operation& operation, std::function<void()> fire) {
    Lock held(mutex_);
    timers_.push_back({time, &operation, std::move(fire)});
  }

  // Calls `fire` in settle() once the descriptor is ready, unless `operation` was completed before.
  void when_ready(Operation& operation, int descriptor, bool writable, std::function<void()> fire) {
    Lock held(mutex_);
    descriptors_.watch(&operation, descriptor, writable, std::move(fire));
  }
  // A coroutine does not wait for its operation any more.
  std::function<void(const Operation&)> on_given_up = [](const Operation&) {};

  // --- threads ---

  void thread_begins() {
    Lock held(mutex_);
    ++threads_;
  }
  void thread_ends() {
    Lock held(mutex_);
    --threads_;
    changed_.notify_all();
  }
  // Waits on a handler's thread; false if `deadline` comes first.
  bool wait(Lock& held, const Test& test, TimePoint deadline = TimePoint::max()) {
    const Test either = [&] { return test() || now_ >= deadline; };
    waiting_.push_back({&either, deadline});
    changed_.notify_all();
    changed_.wait(held, either);
    std::erase_if(waiting_, [&](const Waiting& each) { return each.test == &either; });
    return test();
  }
  void notify() { changed_.notify_all(); }
  // The same with the descriptor as the test.
  template <typename Wait>
  bool wait_for(int descriptor, bool writable, const Wait& wait) {
    const int own = descriptors_.watch(&wait, descriptor, writable, {});
    struct Forget {
      ~Forget() { descriptors.forget(key); }
      Descriptors& descriptors;
      const void* key;
    } forget{descriptors_, &wait};
    return wait([own, writable] { return Descriptors::is_ready(own, writable); });
  }

  // --- the test ---

  // Returns when nothing goes on by itself. Raises Failure if a thread does for longer than that.
  void settle() {
    for (;;) {
      Lock held(mutex_);
      if (!ready_.empty()) {
        const auto next = std::move(ready_.front());
        ready_.pop_front();
        held.unlock();
        next();
        continue;
      }
      if (auto fire = descriptors_.take_ready()) {
        fire();
        continue;
      }
      changed_.notify_all();
      if (!changed_.wait_for(held, longest, [this] { return !ready_.empty() || all_wait(); }))
        throw Failure("a handler's thread goes on without waiting for its connection, since 30 s");
      if (ready_.empty()) return;
    }
  }

  // The same; and until `came` holds while somebody waits for a descriptor, which others than the test may make ready.
  void settle_until(const Test& came) {
    const auto end = std::chrono::steady_clock::now() + longest;
    for (;;) {
      settle();
      Lock held(mutex_);
      if (came() || descriptors_.empty() || std::chrono::steady_clock::now() >= end) return;
      const auto copies = descriptors_.to_poll();
      held.unlock();
      Descriptors::poll_all(copies);
    }
  }

  void wait_until(const Test& test) {
    const auto until = std::chrono::steady_clock::now() + longest;
    for (;;) {
      settle();
      if (test()) return;
      Lock held(mutex_);
      const bool goes_on = changed_.wait_until(held, until, [this] { return !ready_.empty(); });
      if (!goes_on) throw Failure("what the test waits for has not come, within 30 s");
    }
  }

  void advance(std::chrono::nanoseconds duration) {
    const TimePoint until = now_ + duration;
    settle();
    for (;;) {
      {
        Lock held(mutex_);
        TimePoint next = TimePoint::max();
        for (const Timer& each : timers_) next = std::min(next, each.at);
        for (const Waiting& each : waiting_) next = std::min(next, each.deadline);
        if (next > until) break;
        now_ = std::max(now_, next);
        fire();
      }
      settle();
    }
    Lock held(mutex_);  // a thread that wakes for nothing looks at the time
    now_ = until;
  }

 private:
  struct Timer {
    TimePoint at;
    Operation* operation;
    std::function<void()> fire;
  };
  struct Waiting {
    const Test* test;
    TimePoint deadline;
  };

  static constexpr std::chrono::seconds longest{30};

  bool all_wait() const {
    return threads_ == waiting_.size() && std::none_of(waiting_.begin(), waiting_.end(),
                                                       [](const Waiting& each) { return (*each.test)(); });
  }
  void fire() {
    for (;;) {
      const auto due = std::find_if(timers_.begin(), timers_.end(),
                                    [this](const Timer& each) { return each.at <= now_; });
      if (due == timers_.end()) return;
      const Timer timer = std::move(*due);
      timers_.erase(due);
      timer.fire();
    }
  }

  std::recursive_mutex mutex_;
  std::condition_variable_any changed_;
  TimePoint now_ = std::chrono::steady_clock::now();
  std::deque<std::function<void()>> ready_;
  Descriptors descriptors_;
  std::vector<Timer> timers_;
  std::vector<Waiting> waiting_;
  std::size_t threads_ = 0;
};

}  // namespace detail
}  // namespace cppwebsocket::testing
