// A coroutine handler's Request in a test. Part of testing.hpp.
#pragma once

#include <memory>
#include <stop_token>
#include <utility>
#include <vector>

#include <cppwebsocket/detail/branches.hpp>
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
    if (receiving_ && has_incoming(receiving_->in_fragments)) complete(*receiving_);
  }
  void end(const char* why) override {
    stop_.request_stop();
    cancel_outside();
    while (!waiting_.empty())
      complete(*waiting_.front(), std::make_exception_ptr(ConnectionTerminatedException(why)));
  }
  std::size_t running_tasks() const override { return running_; }

  // An operation that waits until somebody completes it, its branch is cancelled, or the connection ends.
  void wait(Operation& operation) {
    require_open();
    branches_.require_not_cancelled();
    operation.branch = branches_.current();
    waiting_.push_back(&operation);
  }
  void complete(Operation& operation, std::exception_ptr error = nullptr) {
    if (std::erase(waiting_, &operation) == 0) return;
    if (receiving_ == &operation) receiving_ = nullptr;
    go_on(operation, std::move(error));
  }
  void complete_at(TimePoint at, Operation& operation, std::exception_ptr error = nullptr) {
    stage_.at(at, operation, [this, &operation, error] { complete(operation, error); });
  }

  using Request::spawn;
  void spawn(Task<> task) override {
    require_open();
    const Branches::Entered none(branches_, 0);
    run(std::move(task), false);
  }
  std::stop_token stop_token() override { return stop_.get_token(); }
  Sender sender() override { return Connection::sender(); }

  bool begin(ReceiveOperation& operation) override {
    if (receiving_) throw BadOperationException("a receive is already waiting");
    branches_.require_not_cancelled();
    if (has_incoming(operation.in_fragments) && !has_received_end) return true;
    wait(operation);
    receiving_ = &operation;
    if (operation.timer)
      complete_at(stage_.in_own_time(operation.timer->deadline), operation,
                  std::make_exception_ptr(TimeoutException("nothing was received in time")));
    return false;
  }
  // A receive that has timed out or raised comes here never.
  std::optional<Message> take_received(const ReceiveOperation& operation) noexcept override {
    if (auto message = take_incoming(operation.in_fragments)) return message;
    return receive_close();
  }
  std::optional<Message> try_receive() override { return take_incoming(false); }
  void close_at(std::chrono::system_clock::time_point when, Close close) override {
    Connection::close_at(when, std::move(close));
  }
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
    operation.branch = branches_.current();
    operation.call(operation);
    const auto error = operation.error;
    go_on(operation, error);
  }

  void begin(DescriptorOperation& operation) override {
    require_open();
    stage_.when_ready(operation, operation.descriptor, operation.writable, [this, &operation] {
      operation.result = Readiness::ready;
      complete(operation);
    });
    wait(operation);
    if (operation.timer.deadline != TimePoint::max())
      complete_at(stage_.in_own_time(operation.timer.deadline), operation);
  }
  void begin(EventOperation& operation) override { wait(operation); }
  void wait_for_all(Operation& group) noexcept override { group.branch = branches_.current(); }
  void wake(Operation& operation) noexcept override {
    if (operation.kind == OperationKind::group)
      go_on(operation, nullptr);
    else
      complete(operation, operation.error);
  }
  Branches& branches() override { return branches_; }
  void cancel(std::uint16_t branch) noexcept override {
    branches_.cancel(branch);
    const auto error = given_up();
    for (Operation* each : going_on_)
      if (each->kind == OperationKind::event && !each->error && branches_.is_cancelled(each->branch))
        each->error = error;
    for (Operation* each : std::vector<Operation*>(waiting_)) {
      if (!branches_.is_cancelled(each->branch)) continue;
      stage_.on_given_up(*each);
      complete(*each, error);
    }
    const auto held = stage_.lock();
    for (OutsideOperation* each : outside_)
      if (branches_.is_cancelled(each->branch)) each->cancel(*each);
  }
  void begin(OutsideOperation& operation) override {
    require_open();
    const auto held = stage_.lock();
    operation.branch = branches_.current();
    outside_.push_back(&operation);
    operation.way_back = this;
    operation.completed = [](OutsideOperation& completed) noexcept {
      static_cast<CoroutineConnection*>(completed.way_back)->complete_outside(completed);
    };
  }

 private:
  static std::exception_ptr given_up() {
    return std::make_exception_ptr(CancelledException("another branch has the result"));
  }

  void go_on(Operation& operation, std::exception_ptr error) {
    going_on_.push_back(&operation);
    stage_.complete(operation, std::move(error), [this, &operation] {
      std::erase(going_on_, &operation);
      const Branches::Entered entered(branches_, operation.branch);
      operation.waiting.resume();
    });
  }

  void cancel_outside() {
    const auto held = stage_.lock();
    if (std::exchange(has_ended_, true)) return;
    for (OutsideOperation* each : outside_) {
      stage_.thread_begins();  // soon over, and to be waited for until then
      each->cancel(*each);
    }
  }
  // Thread: any.
  void complete_outside(OutsideOperation& operation) noexcept {
    const auto held = stage_.lock();
    std::erase(outside_, &operation);
    std::exception_ptr error;
    if (has_ended_)
      error = std::make_exception_ptr(ConnectionTerminatedException("the connection has ended"));
    stage_.complete(operation, error, [this, &operation] {
      if (!operation.error && branches_.is_cancelled(operation.branch)) operation.error = given_up();
      const Branches::Entered entered(branches_, operation.branch);
      operation.waiting.resume();
    });
    if (has_ended_) stage_.thread_ends();
  }

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
  Branches branches_;
  std::vector<Operation*> waiting_;
  std::vector<Operation*> going_on_;  // completed, and about to be resumed
  std::vector<OutsideOperation*> outside_;
  std::size_t running_ = 0;
  bool has_ended_ = false;
};

}  // namespace cppwebsocket::testing::detail
