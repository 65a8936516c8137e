// Event: tasks of one connection wait until another says that something has happened.
//
//   Task<> web_socket_transfer_data(Request& request) {
//     Event go(request);
//     request.spawn([&]() -> Task<> {
//       co_await go.wait();
//       co_await msgutil::send_message(request, "gone");
//     });
//     while (auto message = co_await msgutil::receive_message(request))
//       if (message->text() == "go") go.set();
//   }
//
// Thread: the connection's, for all of it. Another thread has an eventfd, which a task awaits with
// request.readable(); blocking handlers have BlockingEvent (blocking_wait.hpp).
#pragma once

#include <cppwebsocket/detail/event_list.hpp>

namespace cppwebsocket {
namespace detail {

class [[nodiscard]] EventAwaiter {
 public:
  EventAwaiter(EventList& list, const bool& is_set) noexcept : list_(list), is_set_(is_set) {}
  bool await_ready() {
    if (!is_set_) list_.wait(operation_);
    return is_set_;
  }
  void await_suspend(std::coroutine_handle<> waiting, std::uint32_t line = __builtin_LINE()) noexcept {
    operation_.suspend(waiting, line);
  }
  void await_resume() {
    if (operation_.list) operation_.list->remove(operation_);
    operation_.rethrow_error();
  }

 private:
  EventList& list_;
  const bool& is_set_;
  EventOperation operation_;
};

}  // namespace detail

// Lives as long as anybody waits for it: if it goes earlier, those raise BadOperationException.
class Event {
 public:
  explicit Event(Request& request) noexcept : waiting_(request) {}

  bool is_set() const noexcept { return is_set_; }

  // All who wait go on, once the caller waits or returns; whoever comes later does not wait, until reset().
  void set() noexcept {
    is_set_ = true;
    while (auto* const operation = waiting_.first()) waiting_.choose(*operation);
  }
  void reset() noexcept { is_set_ = false; }

  // co_await event.wait(): goes on when it is set, even if it is reset before the task runs. Raises
  // ConnectionTerminatedException if the connection ends first.
  detail::EventAwaiter wait() { return {waiting_, is_set_}; }

 private:
  bool is_set_ = false;
  detail::EventList waiting_;
};

}  // namespace cppwebsocket
