// The handler's side of a session: its coroutines, the messages that wait for them, the operations
// that they wait for, and what they have given to other threads.
//
//   running ──end(): every wait raises, stop requested──▶ ended ──tasks return──▶ done
//
// A resumed coroutine may do anything, such as begin further operations or end the connection. So
// whoever resumes one looks after it with take_ended(), as Connection::complete() does.
// Thread: the session's.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include <cppwebsocket/detail/branches.hpp>
#include <cppwebsocket/request.hpp>

#include "protocol/frames/protocol.hpp"
#include "runtime/limits/pace.hpp"
#include "runtime/session/event_loop.hpp"
#include "runtime/session/inbox.hpp"
#include "runtime/session/operation_list.hpp"

namespace cppwebsocket::runtime {

class RemoteControl;
class Connection;

class Tasks {
 public:
  Tasks();
  ~Tasks();

  // --- coroutines -----------------------------------------------------------------------------

  // Each runs until it first waits.
  void start_main(Task<> task);
  void start_beside(Task<> task);
  // A blocking handler's function, on a thread of its own, counts as a task.
  void thread_started() noexcept { ++count_; }
  void thread_ended() noexcept {
    --count_;
    main_returned_ = true;
  }
  bool are_done() const noexcept { return count_ == 0; }

  // A task that has returned, and the exception that escaped it. Its frame, with all locals, is
  // gone.
  struct Ended {
    std::exception_ptr error;
    bool is_main;
  };
  bool may_have_ended() const noexcept { return main_.has_ended() || seldom_; }
  std::optional<Ended> take_ended() noexcept;

  // --- operations, which live in their coroutines' frames -------------------------------------

  // It waits from now on, until complete().
  void wait(detail::Operation& operation) noexcept;
  // The same; raises if the waits have ended.
  void wait_for(detail::Operation& operation) {
    require_may_wait();
    wait(operation);
  }
  // Resumes its coroutine; its timer, which is one of `loop`, does not fire any more.
  void complete(detail::Operation& operation, EventLoop& loop) noexcept;
  // The same later in the turn: whoever says so goes on first.
  void wake(detail::Operation& operation, EventLoop& loop) noexcept;
  std::size_t woken() const noexcept { return seldom_ ? seldom_->woken_count : 0; }
  void resume_woken() noexcept;  // the first, if any
  // The one of this kind that waits longest, or null.
  detail::Operation* first(detail::OperationKind kind) const noexcept {
    detail::Operation* operation = pending_.front();
    while (operation && operation->kind != kind) operation = operation->next;
    return operation;
  }
  // In a cancelled branch: what is waited for there raises.
  bool is_given_up(detail::Operation& operation) const noexcept;
  std::uint32_t senders_waiting() const noexcept { return senders_waiting_; }
  void fetch() const noexcept;  // into the cache, what waits

  // --- messages -------------------------------------------------------------------------------

  Inbox& inbox() noexcept { return inbox_; }
  const Inbox& inbox() const noexcept { return inbox_; }
  // Whether it owes nothing to messages before the peer's Close. A handler that has never received
  // is not waited for.
  bool has_come_to_close() const noexcept {
    return !has_received_ || receiver();
  }
  // The receive that waits, or null. The inbox has nothing for it.
  detail::ReceiveOperation* receiver() const noexcept {
    return static_cast<detail::ReceiveOperation*>(first(detail::OperationKind::receive));
  }
  // The protocol has a message: complete the receiver, whose coroutine then takes it from there.
  void let_arrive() noexcept { arrives_ = true; }

  // --- the end --------------------------------------------------------------------------------

  // No task waits any more: from now on each wait raises `reason`, but a receive is told of a clean
  // end once. After the handler's function has returned all of them raise, so that no spawned task
  // goes on to use what that had. False if that is so already. Those that wait now are to be completed, one by one, as
  // next_to_tell() gives them.
  bool end(std::exception_ptr reason) noexcept;
  detail::Operation* next_to_tell() noexcept;
  void set_clean_end(bool clean) noexcept { clean_end_ = clean; }
  bool have_ended() const noexcept { return ended_; }
  bool ended_cleanly() const noexcept { return clean_end_; }
  const std::exception_ptr& end_reason() const noexcept { return end_reason_; }
  bool main_has_returned() const noexcept { return main_returned_; }
  void require_not_ended() const {
    if (ended_) std::rethrow_exception(end_reason_);
  }
  // Nor is the running coroutine to end.
  void require_may_wait() const {
    require_not_ended();
    if (seldom_) seldom_->branches.require_not_cancelled();
  }
  void forget_end() noexcept {
    end_reason_ = nullptr;
  }  // whose code may be the handler's, which goes

  // --- what the handler asks for, in its session (request.hpp) --------------------------------

  bool begin(detail::ReceiveOperation& operation, Connection& connection);
  std::optional<Message> take_received(const detail::ReceiveOperation& operation,
                                       protocol::Protocol& protocol) noexcept;
  std::optional<Message> try_receive();
  bool begin(detail::SleepOperation& operation, std::chrono::nanoseconds duration,
             Connection& connection);
  void begin(detail::PoolOperation& operation, Connection& connection);
  void begin(detail::DescriptorOperation& operation, Connection& connection);
  void wait_for_all(detail::Operation& group) noexcept;
  detail::Branches& branches() { return seldom().branches; }
  // Gives up what is waited for in a branch and what has come of it.
  void cancel(std::uint16_t branch, Connection& connection) noexcept;
  void begin(detail::OutsideOperation& operation, Connection& connection);
  std::stop_token stop_token();
  Sender sender(Connection& connection);

  // --- what few connections have --------------------------------------------------------------

  Pace* pace() const noexcept { return seldom_ ? seldom_->pace.get() : nullptr; }
  void set_pace(std::unique_ptr<Pace> pace) { seldom().pace = std::move(pace); }
  Pin* pin() const noexcept { return seldom_ ? seldom_->pin.get() : nullptr; }
  Pin& make_pin(Connection& connection);
  // It is not read from at the moment, by its pace or for its memory.
  bool is_held_up(detail::TimePoint now) const noexcept {
    return seldom_ && ((seldom_->pace && seldom_->pace->next() > now) || (seldom_->pin && seldom_->pin->is_slowed()));
  }
  // When it is to be closed, and how: by the server's rule, and by the handler's. Null: whenever it is.
  struct Term {
    detail::TimePoint at = detail::TimePoint::max();
    Close close;
  };
  const Term* term() const noexcept { return seldom_ && seldom_->terms ? seldom_->terms->first() : nullptr; }
  void set_term(bool by_rule, detail::TimePoint at, Close&& close);

  // What other threads hold: null if they hold nothing.
  RemoteControl* remote() const noexcept { return seldom_ ? seldom_->remote.get() : nullptr; }
  void request_stop() noexcept {
    if (seldom_) seldom_->stop_source.request_stop();
  }

 private:
  friend struct DebugLayout;  // httpd/child/debug_layout.cpp
  class PoolCall;
  // What most handlers never need: it costs them a pointer.
  struct Terms {
    const Term* first() const noexcept { return by_rule.at <= by_handler.at ? &by_rule : &by_handler; }
    Term by_rule;
    Term by_handler;
  };
  struct Seldom {
    std::unique_ptr<Pace> pace;
    std::unique_ptr<Pin> pin;
    std::unique_ptr<Terms> terms;
    std::vector<detail::RootTask> beside;  // the main task
    std::shared_ptr<RemoteControl> remote;
    std::stop_source stop_source{std::nostopstate};
    detail::Branches branches;
    OperationList woken;
    std::size_t woken_count = 0;
    OperationList outside;  // is waited for, also after the end
  };
  Seldom& seldom();
  void take_out(detail::Operation& operation, EventLoop& loop) noexcept;
  void resume(detail::Operation& operation) noexcept;
  std::optional<Ended> end_of(detail::RootTask& task, bool is_main) noexcept;
  void start_timer(detail::OperationTimer& timer, detail::Operation& operation,
                   Connection& connection);

  detail::RootTask main_;
  std::unique_ptr<Seldom> seldom_;
  OperationList pending_;
  Inbox inbox_;
  std::exception_ptr end_reason_;
  std::uint32_t count_ = 0;
  std::uint32_t senders_waiting_ = 0;
  bool ended_ : 1 = false;
  bool clean_end_ : 1 = false;     // a receive reports the peer's Close, once
  bool end_received_ : 1 = false;  // it has
  bool has_received_ : 1 = false;  // it is one that receives
  bool main_returned_ : 1 = false;
  bool arrives_ : 1 = false;       // the protocol has a message for the receiver being resumed
};

}  // namespace cppwebsocket::runtime
