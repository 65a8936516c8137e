// Request: one WebSocket connection, as a coroutine handler sees it. Together with msgutil.hpp
// this is the whole interface.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <type_traits>
#include <variant>

#include <cppwebsocket/detail/operations.hpp>
#include <cppwebsocket/request_properties.hpp>
#include <cppwebsocket/sender.hpp>
#include <cppwebsocket/task.hpp>

namespace cppwebsocket {

namespace detail {
class ReceiveAwaiter;
class SendAwaiter;
class CloseAwaiter;
template <typename Owner>
class SleepAwaiter;
class DescriptorAwaiter;
class QuestionAwaiter;
class Branches;
template <typename Owner, typename Function>
class PoolAwaiter;
}  // namespace detail

// Thread: web_socket_do_extra_handshake runs on an httpd worker and may block; from then on
// everything runs on the connection's reactor thread, which it shares with thousands of others:
// no blocking calls there, use run_blocking. What may be used from other threads is sender(),
// stop_token() once obtained, and the properties marked so.
class Request : public RequestProperties {
 public:
  // Starts `task` beside web_socket_transfer_data, on the same thread. When the connection ends,
  // or web_socket_transfer_data returns, whatever the task waits for raises
  // ConnectionTerminatedException, and the server waits until the task has ended before the
  // connection's objects go: a task cannot outlive its connection. An exception that escapes it
  // ends the connection as one from web_socket_transfer_data would. The task's arguments are
  // copied or referred to by the usual coroutine rules: references must outlive the task.
  // Raises BadOperationException during the handshake, ConnectionTerminatedException at the end.
  virtual void spawn(Task<> task) = 0;

  // The same with a function that returns the task, which is kept for as long as that is there: so a
  // lambda's captures, in contrast to those of one that was called by the handler, live until the task
  // has ended.
  //
  //   request.spawn([&request, greeting = std::string("hello")]() -> Task<> {
  //     co_await request.sleep_for(std::chrono::seconds(1));
  //     co_await msgutil::send_message(request, greeting);
  //   });
  template <typename Function>
  void spawn(Function function);

  // co_await sleep_for(d): goes on once `duration` has passed since the call; if that is not positive, as soon
  // as the other connections of its thread have had their turn. Raises ConnectionTerminatedException if the
  // connection ends first. Resolution: a millisecond.
  detail::SleepAwaiter<Request> sleep_for(std::chrono::nanoseconds duration);

  // co_await yield(): goes on as soon as the other connections of the thread have had their turn. For long
  // work in pieces. Raises as sleep_for.
  detail::SleepAwaiter<Request> yield();

  // co_await readable(fd): goes on when `descriptor` can be read, or written, without waiting; with a deadline,
  // or a time limit, also once that is over. readiness.hpp says what a descriptor may be, what is raised and
  // what closing it does. A deadline that is over asks how it stands. For sockets and pipes of libraries that do not
  // block, so for a database's asynchronous interface; several tasks may wait for one descriptor.
  //
  //   const auto answer = co_await request.readable(PQsocket(database), std::chrono::seconds(5));
  //   if (answer == Readiness::timed_out) throw std::runtime_error("the database is slow");
  detail::DescriptorAwaiter readable(int descriptor, detail::TimePoint deadline = detail::TimePoint::max());
  detail::DescriptorAwaiter readable(int descriptor, std::chrono::nanoseconds timeout);
  detail::DescriptorAwaiter writable(int descriptor, detail::TimePoint deadline = detail::TimePoint::max());
  detail::DescriptorAwaiter writable(int descriptor, std::chrono::nanoseconds timeout);

  // co_await run_blocking(fn): runs `fn()` on the child's blocking pool (WebSocketBlockingThreads)
  // while this coroutine waits, and gives back what it returns or raises. `fn` may use the
  // coroutine's locals: they stay. So does a named `fn`, which is used in place. It is not
  // interrupted when the connection ends; long work should look at stop_token().
  template <typename Function>
  detail::PoolAwaiter<Request, Function> run_blocking(Function&& fn);

  // Closes the connection at that time with `close`, in the handshake or later; another call sets another
  // time, and time_point::max() none. What waits then raises ConnectionTerminatedException, and ws_close_code() is the
  // code. For what is allowed for some time only, such as a token's expiry. The server's own rule (WebSocketMaxAge)
  // may be earlier, and holds. Raises BadOperationException for a code or reason that may not be sent.
  virtual void close_at(std::chrono::system_clock::time_point when,
                        Close close = Close(close_code::policy_violation)) = 0;

  // co_await is_allowed(path): whether httpd would let the client have this address of the connection's virtual
  // host now, as its whole configuration says: rewriting, Require, authentication. It is asked as if the client
  // sent its opening handshake again, with the same fields, query and address, for `path`, which is absolute and not
  // escaped. Each call asks anew, and takes as long as httpd's modules take, on a thread of its own: mostly some
  // 30 us, as long as a password takes to be hashed, or minutes with a directory server that is silent. docs/security.md
  // says how soon a right that is withdrawn is seen.
  //
  //   switch (co_await request.is_allowed("/rooms/blue", "POST")) {
  //     case Allowed::yes: ...
  //
  // Each connection of a file that calls it keeps its request's head, of 1 to 2 KiB as a rule. Both texts have to stay
  // until it is answered. Raises BadOperationException during the handshake, where Require has just said yes, for a
  // path without '/' in front and for what is no method; ConnectionTerminatedException if the connection
  // ends first, once httpd has answered.
  template <typename File = void>
  detail::QuestionAwaiter is_allowed(std::string_view path, std::string_view method = "GET");

  // Becomes stop_requested when the connection begins to end for any reason.
  virtual std::stop_token stop_token() = 0;

  // A handle for other threads. See sender.hpp.
  virtual Sender sender() = 0;

  // The server's half of the operations; use msgutil.hpp instead. begin: true if it completed at
  // once; take_received: what a receive ended with. send: false if the send buffer is now full. wait_for_room: false if there is no need.
  virtual bool begin(detail::ReceiveOperation& operation) = 0;
  virtual std::optional<Message> take_received(const detail::ReceiveOperation& operation) noexcept = 0;
  virtual bool send(Message&& message, bool end) = 0;
  virtual bool send_ping(std::string_view body) = 0;
  virtual bool wait_for_room(detail::SendOperation& operation) noexcept = 0;
  virtual bool begin(detail::CloseOperation& operation, Close&& close) = 0;
  virtual bool begin(detail::SleepOperation& operation, std::chrono::nanoseconds duration) = 0;
  virtual void begin(detail::PoolOperation& operation) = 0;
  virtual void begin(detail::OutsideOperation& operation) = 0;
  virtual std::optional<Message> try_receive() = 0;

  // For readable and writable, and for wait.hpp. The operation waits when this returns: an EventOperation,
  // or a Group, until wake(), whose caller runs on first.
  virtual void begin(detail::DescriptorOperation& operation) = 0;
  virtual void begin(detail::EventOperation& operation) = 0;
  virtual void wait_for_all(detail::Operation& group) noexcept = 0;
  virtual void wake(detail::Operation& operation) noexcept = 0;
  virtual detail::Branches& branches() = 0;
  virtual void cancel(std::uint16_t branch) noexcept = 0;

 protected:
  using RequestProperties::RequestProperties;
  ~Request() = default;
};

namespace detail {

// Owner: Request, or Background (background.hpp).
template <typename Owner>
class [[nodiscard]] SleepAwaiter {
 public:
  SleepAwaiter(Owner& owner, std::chrono::nanoseconds duration) noexcept
      : owner_(owner), duration_(duration) {}
  bool await_ready() { return owner_.begin(operation_, duration_); }
  void await_suspend(std::coroutine_handle<> waiting,
                     std::uint32_t line = __builtin_LINE()) noexcept {
    operation_.suspend(waiting, line);
  }
  void await_resume() { operation_.rethrow_error(); }

 private:
  Owner& owner_;
  std::chrono::nanoseconds duration_;
  SleepOperation operation_;
};

class [[nodiscard]] DescriptorAwaiter {
 public:
  DescriptorAwaiter(Request& request, int descriptor, bool writable, TimePoint deadline) noexcept
      : request_(request), operation_(descriptor, writable, deadline) {}
  bool await_ready() {
    request_.begin(operation_);
    return false;
  }
  void await_suspend(std::coroutine_handle<> waiting, std::uint32_t line = __builtin_LINE()) noexcept {
    operation_.suspend(waiting, line);
  }
  Readiness await_resume() {
    operation_.rethrow_error();
    return operation_.result;
  }

 private:
  Request& request_;
  DescriptorOperation operation_;
};

class [[nodiscard]] QuestionAwaiter : QuestionOperation {
 public:
  QuestionAwaiter(Request& request, Judge& judge, std::string_view its_method, std::string_view its_path) noexcept
      : QuestionOperation(its_method, its_path), request_(request), judge_(judge) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting_coroutine, std::uint32_t at_line = __builtin_LINE()) {
    suspend(waiting_coroutine, at_line);
    request_.begin(static_cast<OutsideOperation&>(*this));
    judge_.ask(*this);
  }
  Allowed await_resume() {
    rethrow_error();
    return answer;
  }

 private:
  Request& request_;
  Judge& judge_;
};

template <typename Owner, typename Function>
class [[nodiscard]] PoolAwaiter : PoolOperation {
  using Result = std::invoke_result_t<Function&>;
  static_assert(!std::is_reference_v<Result>, "return a value or a pointer from run_blocking");

 public:
  PoolAwaiter(Owner& owner, Function&& function)
      : PoolOperation(&PoolAwaiter::run),
        owner_(owner),
        function_(std::forward<Function>(function)) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting_coroutine,
                     std::uint32_t at_line = __builtin_LINE()) {
    suspend(waiting_coroutine, at_line);
    owner_.begin(*this);
  }
  Result await_resume() {
    rethrow_error();
    if constexpr (!std::is_void_v<Result>) return std::move(*result_);
  }

 private:
  static void run(PoolOperation& operation) noexcept {
    auto& self = static_cast<PoolAwaiter&>(operation);
    try {
      if constexpr (std::is_void_v<Result>)
        self.function_();
      else
        self.result_.emplace(self.function_());
    } catch (...) {
      self.error = std::current_exception();
    }
  }

  Owner& owner_;
  Function function_;  // a reference, if it has a name
  std::optional<std::conditional_t<std::is_void_v<Result>, std::monostate, Result>> result_;
};

// Of what run_blocking is given.
template <typename Function>
constexpr void require_unbroken() noexcept {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
  // GCC bug 101367.
  static_assert(std::is_lvalue_reference_v<Function> || std::is_trivially_destructible_v<Function>,
                "GCC 12 destroys the captures of a lambda that is written inside co_await twice; "
                "name it: auto work = [...] {...}; co_await request.run_blocking(work);");
#endif
}

}  // namespace detail

inline detail::SleepAwaiter<Request> Request::sleep_for(std::chrono::nanoseconds duration) {
  return {*this, duration};
}
inline detail::SleepAwaiter<Request> Request::yield() { return sleep_for(std::chrono::nanoseconds(0)); }

inline detail::DescriptorAwaiter Request::readable(int descriptor, detail::TimePoint deadline) {
  return {*this, descriptor, false, deadline};
}
inline detail::DescriptorAwaiter Request::readable(int descriptor, std::chrono::nanoseconds timeout) {
  return {*this, descriptor, false, detail::after(timeout)};
}
inline detail::DescriptorAwaiter Request::writable(int descriptor, detail::TimePoint deadline) {
  return {*this, descriptor, true, deadline};
}
inline detail::DescriptorAwaiter Request::writable(int descriptor, std::chrono::nanoseconds timeout) {
  return {*this, descriptor, true, detail::after(timeout)};
}

template <typename File>
detail::QuestionAwaiter Request::is_allowed(std::string_view path, std::string_view method) {
  [[maybe_unused]] const bool* const is_noted = &detail::AsksHttpd<File>::is_noted;
  return {*this, judge_of(method, path), method, path};
}

namespace detail {
template <typename Function>
Task<> call_and_keep(Function function) {
  co_await function();
}
}  // namespace detail

template <typename Function>
void Request::spawn(Function function) {
  if constexpr (std::is_invocable_r_v<Task<>, Function&>)
    spawn(detail::call_and_keep(std::move(function)));
  else
    static_assert(std::is_invocable_r_v<Task<>, Function&>,
                  "spawn takes a task or a function without parameters that returns one: write "
                  "`request.spawn([&request]() -> Task<> { ... co_await ... });`");
}

template <typename Function>
detail::PoolAwaiter<Request, Function> Request::run_blocking(Function&& fn) {
  detail::require_unbroken<Function>();
  return {*this, std::forward<Function>(fn)};
}

}  // namespace cppwebsocket
