// A coroutine handler's Request in a test. Part of testing.hpp.
#pragma once

#include <memory>
#include <stop_token>
#include <utility>
#include <vector>

#include <cppwebsocket/testing/connection.hpp>

namespace cppwebsocket::testing::detail {

class CoroutineConnection final : public Connection, public Request {
 public:
  CoroutineConnection(Stage& stage, const HandlerTable& handler, std::string target)
      : Connection(stage, handler, std::move(target)), Request(Connection::record) {}

  void shake_hands() override { handler_.do_extra_handshake(*this); }
  void start() override {
    has_started = true;
    run(handler_.transfer_data(*this), true);
  }
  void go_away() override {
    if (handler_.going_away) run(handler_.going_away(*this), false);
  }
  Close choose_close() override {
    return passive_close(handler_.passive_closing_handshake
                             ? std::optional(handler_.passive_closing_handshake(*this))
                             : std::nullopt);
  }
  void on_incoming() override {
    if (receiving_ && has_incoming()) complete(*receiving_);
  }
  void end(const char* why) override {
    stop_.request_stop();
    if (!std::exchange(has_ended_, true))
      for (OutsideOperation* each : outside_) {
        stage_.thread_begins();  // soon over, and to be waited for until then
        each->cancel(*each);
      }
    while (!waiting_.empty())
      complete(*waiting_.front(), std::make_exception_ptr(ConnectionTerminatedException(why)));
  }
  std::size_t running_tasks() const override { return running_; }

  // An operation that waits until somebody completes it, or the connection ends.
  void wait(Operation& operation) {
    require_open();
    waiting_.push_back(&operation);
  }
  void complete(Operation& operation, std::exception_ptr error = nullptr) {
    if (std::erase(waiting_, &operation) == 0) return;
    if (receiving_ == &operation) receiving_ = nullptr;
    stage_.complete(operation, std::move(error));
  }
  void complete_at(TimePoint at, Operation& operation, std::exception_ptr error = nullptr) {
    stage_.at(at, operation, [this, &operation, error] { complete(operation, error); });
  }

  using Request::spawn;
  void spawn(Task<> task) override {
    require_open();
    run(std::move(task), false);
  }
  std::stop_token stop_token() override { return stop_.get_token(); }
  Sender sender() override { return Connection::sender(); }

  bool begin(ReceiveOperation& operation) override {
    if (receiving_) throw BadOperationException("a receive is already waiting");
    if (has_incoming() && !has_received_end) return true;
    wait(operation);
    receiving_ = &operation;
    if (operation.timer)
      complete_at(stage_.in_own_time(operation.timer->deadline), operation,
                  std::make_exception_ptr(TimeoutException("nothing was received in time")));
    return false;
  }
  // A receive that has timed out or raised comes here never.
  std::optional<Message> take_received() noexcept override {
    if (!incoming.empty()) return take_incoming();
    return receive_close();
  }
  std::optional<Message> try_receive() override { return take_incoming(); }
  bool send(Message&& message, bool is_last) override {
    Connection::send(std::move(message), is_last);
    return true;
  }
  bool send_ping(std::string_view body) override {
    Connection::send_ping(body);
    return true;
  }
  bool wait_for_room(SendOperation&) noexcept override { return false; }  // there always is
  bool begin(CloseOperation&, Close&& close) override {
    Connection::close(std::move(close));
    return true;
  }
  bool begin(SleepOperation& operation, std::chrono::nanoseconds duration) override {
    wait(operation);
    complete_at(stage_.now() + std::max(duration, std::chrono::nanoseconds(0)), operation);
    return false;
  }
  void begin(PoolOperation& operation) override {
    operation.call(operation);
    const auto error = operation.error;
    stage_.complete(operation, error);
  }
  void begin(OutsideOperation& operation) override {
    require_open();
    const auto held = stage_.lock();
    outside_.push_back(&operation);
    operation.way_back = this;
    operation.completed = [](OutsideOperation& completed) noexcept {
      static_cast<CoroutineConnection*>(completed.way_back)->complete_outside(completed);
    };
  }

 private:
  // Thread: any.
  void complete_outside(OutsideOperation& operation) noexcept {
    const auto held = stage_.lock();
    std::erase(outside_, &operation);
    std::exception_ptr error;
    if (has_ended_)
      error = std::make_exception_ptr(ConnectionTerminatedException("the connection has ended"));
    stage_.complete(operation, error);
    if (has_ended_) stage_.thread_ends();
  }

  // Starts at once and frees itself.
  struct Started {
    struct promise_type {
      Started get_return_object() const noexcept { return {}; }
      std::suspend_never initial_suspend() const noexcept { return {}; }
      std::suspend_never final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      void unhandled_exception() const noexcept { std::terminate(); }
    };
  };
  Started run(Task<> task, bool is_main) {
    std::exception_ptr error;
    ++running_;
    try {
      co_await std::move(task);
    } catch (...) {
      error = std::current_exception();
    }
    --running_;
    ends(error, is_main);
  }

  std::stop_source stop_;
  ReceiveOperation* receiving_ = nullptr;
  std::vector<Operation*> waiting_;
  std::vector<OutsideOperation*> outside_;
  std::size_t running_ = 0;
  bool has_ended_ = false;
};

}  // namespace cppwebsocket::testing::detail
