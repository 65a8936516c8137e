// What a handler's coroutine waits for. Each operation lives in the waiting coroutine's frame;
// the server links it into the session's list until it is complete, then resumes the coroutine.
// Part of the handler ABI; handlers use request.hpp and msgutil.hpp instead.
// Thread: the connection's own.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <cppwebsocket/close.hpp>
#include <cppwebsocket/message.hpp>
#include <cppwebsocket/readiness.hpp>

namespace cppwebsocket::detail {

using TimePoint = std::chrono::steady_clock::time_point;

// Now and `duration`, or the end of time if that comes first.
inline TimePoint after(std::chrono::nanoseconds duration) noexcept {
  const TimePoint now = std::chrono::steady_clock::now();
  return duration < TimePoint::max() - now ? now + duration : TimePoint::max();
}

// An entry of a reactor's timer heap; what is timed derives from it.
struct TimerNode {
  static constexpr std::size_t unarmed = static_cast<std::size_t>(-1);

  TimerNode() = default;
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;
  bool armed() const noexcept { return position != unarmed; }

  TimePoint deadline{};
  std::size_t position = unarmed;           // in the heap; kept by the heap
  void (*fire)(TimerNode& self) = nullptr;  // called by the loop once the node is out of the heap
};

enum class OperationKind : unsigned char {
  receive,
  send,
  close,
  sleep,
  pool,
  publication,
  recovery,
  descriptor,
  event,  // waits until Request::wake()
  group,  // the same, and for nothing else: not even the connection's end
  outside,
};

struct Operation {
  explicit Operation(OperationKind kind) noexcept : kind(kind) {}
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  // For await_suspend, whose default argument __builtin_LINE() is the line of the co_await.
  void suspend(std::coroutine_handle<> coroutine, std::uint32_t at_line) noexcept {
    waiting = coroutine;
    line = at_line;
  }
  void rethrow_error() {
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
  }

  std::coroutine_handle<> waiting;
  std::exception_ptr error;
  Operation* next = nullptr;  // in the session's list of pending operations
  std::uint32_t line = 0;     // where it waits, for debuggers
  OperationKind kind;
  std::uint16_t branch = 0;  // in which it waits (branches.hpp); set by the server
};

// Of an operation that ends at its `deadline`. The rest is set by the server while it is pending.
struct OperationTimer : TimerNode {
  OperationTimer() noexcept { deadline = TimePoint::max(); }
  void* session = nullptr;
  Operation* operation = nullptr;
};

// The message stays where it is until the coroutine takes it.
struct ReceiveOperation : Operation {
  ReceiveOperation() noexcept : Operation(OperationKind::receive) {}
  OperationTimer* timer = nullptr;  // null: it waits as long as it takes
  bool in_fragments = false;        // for what is there of a message; else for all of it
};

struct SendOperation : Operation {
  explicit SendOperation(bool has_room) noexcept
      : Operation(OperationKind::send), has_room(has_room) {}
  bool has_room;  // there was, when it was sent
};

struct CloseOperation : Operation {
  CloseOperation() noexcept : Operation(OperationKind::close) {}
};

struct SleepOperation : Operation {
  SleepOperation() noexcept : Operation(OperationKind::sleep) {}
  OperationTimer timer;
};

// A function for the blocking pool. `call` runs there, stores its result or `error`, and never
// throws.
struct PoolOperation : Operation {
  explicit PoolOperation(void (*function)(PoolOperation&) noexcept) noexcept
      : Operation(OperationKind::pool), call(function) {}
  void (*call)(PoolOperation&) noexcept;
};

struct DescriptorOperation : Operation {
  DescriptorOperation(int number, bool for_writing, TimePoint deadline) noexcept
      : Operation(OperationKind::descriptor), descriptor(number), writable(for_writing) {
    timer.deadline = deadline;
  }
  const int descriptor;
  const bool writable;  // else readable
  Readiness result = Readiness::timed_out;
  OperationTimer timer;
  void* watcher = nullptr;  // the server's, while it waits
};

class EventList;

// Of an Event or a Queue, in whose list it is for as long as it waits.
struct EventOperation : Operation {
  EventOperation() noexcept : Operation(OperationKind::event) {}
  EventList* list = nullptr;  // null: that has gone
  EventOperation* previous_waiter = nullptr;
  EventOperation* next_waiter = nullptr;
  bool chosen = false;  // what it waits for is here
};

// What something else completes, such as another library's event loop: by complete(), once, on any thread.
// The coroutine waits for that in any case, and goes on on its own thread; `error` is why it was cancelled, if
// it was. `completed` and what is below it are set by the server.
struct OutsideOperation : Operation {
  explicit OutsideOperation(void (*function)(OutsideOperation&) noexcept) noexcept
      : Operation(OperationKind::outside), cancel(function) {}
  void complete() noexcept { completed(*this); }

  // Asks whoever is to complete it to do so soon. Called by the server, maybe several times; it must not
  // complete the operation before it returns.
  void (*const cancel)(OutsideOperation&) noexcept;
  void (*completed)(OutsideOperation&) noexcept = nullptr;
  void* loop = nullptr;
  void* way_back = nullptr;
};

}  // namespace cppwebsocket::detail
