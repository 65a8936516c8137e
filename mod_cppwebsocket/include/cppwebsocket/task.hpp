// Task<T>: the coroutine type of handlers. Lazy: it starts when it is awaited (or spawned), and
// the awaiting coroutine goes on when it ends, with its value or its exception. Destroying a
// task that has not ended destroys its frame and all locals in it.
// Awaiting or spawning a coroutine that g++ 12 has compiled wrongly raises BadOperationException
// (docs/handlers.md, "Traps").
// Thread: that of the connection that awaits it.
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include <cppwebsocket/exceptions.hpp>

namespace cppwebsocket {

template <typename T = void>
class Task;

namespace detail {

class RootTask;

// A frame begins where operator new has put it. g++ 12 puts the value of a condition that is nothing but a
// co_await before the frame's head, if no variable is declared before that; whoever resumes the
// coroutine then gives it an address 8 bytes off, and it runs on what lies behind its own memory. A frame
// that clang has put into its caller's may be at any address.
#if defined(__clang__)
inline constexpr bool may_be_broken = false;
#else
inline constexpr bool may_be_broken = true;
#endif
inline bool is_broken(std::coroutine_handle<> coroutine) noexcept {
  return reinterpret_cast<std::uintptr_t>(coroutine.address()) % __STDCPP_DEFAULT_NEW_ALIGNMENT__ != 0;
}

// Such a frame cannot be destroyed either; of what is in it, there are the coroutine's parameters only.
[[gnu::cold, gnu::noinline]] inline void free_broken(std::coroutine_handle<> coroutine) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(coroutine.address());
  ::operator delete(reinterpret_cast<void*>(address - address % __STDCPP_DEFAULT_NEW_ALIGNMENT__));
}

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_broken() {
  throw BadOperationException(
      "the compiler has broken a coroutine: write `while (auto value = co_await ...)` or "
      "`auto value = co_await ...; if (value)` for each condition in it that is a co_await");
}

class TaskPromiseCommon {
 public:
  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct ResumeAwaiting {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      return std::coroutine_handle<>::from_address(ended.promise().awaiting_);
    }
    void await_resume() const noexcept {}
  };
  ResumeAwaiting final_suspend() const noexcept { return {}; }

  void unhandled_exception() noexcept { error_ = std::current_exception(); }
  std::exception_ptr take_error() noexcept { return std::exchange(error_, nullptr); }
  void set_awaiting(std::coroutine_handle<> awaiting) noexcept { awaiting_ = awaiting.address(); }

 protected:
  void* awaiting_;  // a handle's address; set before the coroutine starts. First: debuggers look there
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

  // `return {};` in a function that is no coroutine.
  template <typename Nothing = void>
  Task() noexcept {
    static_assert(!std::is_void_v<Nothing>,
                  "a function that returns Task<> is a coroutine: write `co_return;` where it has "
                  "nothing to wait for, instead of returning a Task that is made by hand");
  }
  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~Task() {
    if (!coroutine_) return;
    if (detail::may_be_broken && detail::is_broken(coroutine_))
      detail::free_broken(coroutine_);
    else
      coroutine_.destroy();
  }

  // Starts the task and waits for its end. Await it once; raises what the task raised.
  auto operator co_await() && {
    if (detail::may_be_broken && detail::is_broken(coroutine_)) detail::refuse_broken();
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
  RootTask() noexcept : task_(std::coroutine_handle<Task<>::promise_type>()) {}
  // Raises BadOperationException if it cannot be started.
  explicit RootTask(Task<> task) : task_(std::move(task)) {
    if (!task_.coroutine_) throw BadOperationException("a Task without a coroutine");  // moved from
    if (is_broken(task_.coroutine_)) refuse_broken();
  }

  void start() const {
    task_.coroutine_.promise().set_awaiting(std::noop_coroutine());
    task_.coroutine_.resume();
  }
  bool has_ended() const noexcept { return task_.coroutine_ && task_.coroutine_.done(); }
  std::exception_ptr take_error() const noexcept { return task_.coroutine_.promise().take_error(); }

 private:
  Task<> task_;
};
}  // namespace detail

}  // namespace cppwebsocket
