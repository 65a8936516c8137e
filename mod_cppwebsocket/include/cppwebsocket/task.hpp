// Task<T>: the coroutine type of handlers. Lazy: it starts when it is awaited (or spawned), and
// the awaiting coroutine goes on when it ends, with its value or its exception. Destroying a
// task that has not ended destroys its frame and all locals in it.
// Thread: that of the connection that awaits it.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace cppwebsocket {

template <typename T = void>
class Task;

namespace detail {

class RootTask;

class TaskPromiseCommon {
 public:
  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct ResumeAwaiting {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      return ended.promise().awaiting_;
    }
    void await_resume() const noexcept {}
  };
  ResumeAwaiting final_suspend() const noexcept { return {}; }

  void unhandled_exception() noexcept { error_ = std::current_exception(); }
  std::exception_ptr take_error() noexcept { return std::exchange(error_, nullptr); }
  void set_awaiting(std::coroutine_handle<> awaiting) noexcept { awaiting_ = awaiting; }

 protected:
  std::coroutine_handle<> awaiting_ = std::noop_coroutine();
  std::exception_ptr error_;
};

template <typename T>
class TaskPromise : public TaskPromiseCommon {
 public:
  Task<T> get_return_object() noexcept;
  template <typename U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T result() {
    if (error_) std::rethrow_exception(take_error());
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> : public TaskPromiseCommon {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void result() {
    if (error_) std::rethrow_exception(take_error());
  }
};

}  // namespace detail

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;

  Task() noexcept = default;
  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  // Starts the task and waits for its end. Await it once; raises what the task raised.
  auto operator co_await() && noexcept {
    struct Awaiter {
      std::coroutine_handle<promise_type> coroutine;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
        coroutine.promise().set_awaiting(awaiting);
        return coroutine;
      }
      T await_resume() const { return coroutine.promise().result(); }
    };
    return Awaiter{coroutine_};
  }

 private:
  friend promise_type;
  friend detail::RootTask;
  explicit Task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_;
};

namespace detail {
template <typename T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

// A task that nobody awaits: its owner starts it, and looks after each resumption whether it has
// ended. For the server.
class RootTask {
 public:
  RootTask() noexcept = default;
  explicit RootTask(Task<> task) noexcept : task_(std::move(task)) {}

  void start() const { task_.coroutine_.resume(); }
  bool has_ended() const noexcept { return task_.coroutine_ && task_.coroutine_.done(); }
  std::exception_ptr take_error() const noexcept { return task_.coroutine_.promise().take_error(); }

 private:
  Task<> task_;
};
}  // namespace detail

}  // namespace cppwebsocket
