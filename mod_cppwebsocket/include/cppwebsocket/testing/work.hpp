// A handler's work without a connection in a test. Part of testing.hpp.
#pragma once

#include <algorithm>
#include <exception>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <cppwebsocket/background.hpp>
#include <cppwebsocket/testing/client.hpp>

namespace cppwebsocket::testing {

namespace detail {

// One function of either style, from its start to its end.
class RunningWork : public Background, public BlockingBackground {
 public:
  explicit RunningWork(Stage& stage) : stage_(stage) {}
  ~RunningWork() {
    if (thread_.joinable()) thread_.join();
  }

  void run(Task<> (*function)(Background&)) { run_task(function(*this)); }
  void run(void (*function)(BlockingBackground&)) {
    stage_.thread_begins();
    thread_ = std::thread([this, function] {
      std::exception_ptr raised;
      try {
        function(*this);
      } catch (...) {
        raised = std::current_exception();
      }
      const auto held = stage_.lock();
      ends(raised);
      stage_.thread_ends();
    });
  }
  void stop() {
    const auto held = stage_.lock();
    if (stop_.stop_requested()) return;
    stop_.request_stop();
    for (OutsideOperation* each : outside_) {
      stage_.thread_begins();  // soon over, and to be waited for until then
      each->cancel(*each);
    }
    for (Operation* each : std::exchange(sleeping_, {})) stage_.complete(*each, reason());
    stage_.notify();
  }

  std::stop_token stop_token() override { return stop_.get_token(); }
  void log(LogLevel, std::string_view text) override {
    const auto held = stage_.lock();
    logged.emplace_back(text);
  }

  std::vector<std::string> logged;
  std::exception_ptr error;
  bool has_ended = false;

 private:
  Started run_task(Task<> task) {
    std::exception_ptr raised;
    try {
      co_await std::move(task);
    } catch (...) {
      raised = std::current_exception();
    }
    ends(raised);
  }
  void ends(std::exception_ptr raised) {
    has_ended = true;
    try {
      if (raised) std::rethrow_exception(raised);
    } catch (const StoppedException&) {
      if (stop_.stop_requested()) raised = nullptr;
    } catch (...) {
    }
    error = raised;
  }

  static std::exception_ptr reason() {
    return std::make_exception_ptr(StoppedException("this work is to end"));
  }
  void require_going_on() const {
    if (stop_.stop_requested()) throw StoppedException("this work is to end");
  }

  bool begin(SleepOperation& operation, std::chrono::nanoseconds duration) override {
    require_going_on();
    sleeping_.push_back(&operation);
    stage_.at(stage_.now() + std::max(duration, std::chrono::nanoseconds(0)), operation,
              [this, &operation] {
                std::erase(sleeping_, &operation);
                stage_.complete(operation);
              });
    return false;
  }
  void begin(PoolOperation& operation) override {
    operation.call(operation);
    const auto raised = operation.error;
    stage_.complete(operation, raised);
  }
  void begin(OutsideOperation& operation) override {
    require_going_on();
    const auto held = stage_.lock();
    outside_.push_back(&operation);
    operation.way_back = this;
    operation.completed = [](OutsideOperation& completed) noexcept {
      static_cast<RunningWork*>(completed.way_back)->complete_outside(completed);
    };
  }
  void complete_outside(OutsideOperation& operation) noexcept {  // Thread: any
    const auto held = stage_.lock();
    std::erase(outside_, &operation);
    stage_.complete(operation, stop_.stop_requested() ? reason() : nullptr);
    if (stop_.stop_requested()) stage_.thread_ends();
  }

  void sleep_for(std::chrono::nanoseconds duration) override {
    auto held = stage_.lock();
    stage_.wait(
        held, [this] { return stop_.stop_requested(); },
        stage_.now() + std::max(duration, std::chrono::nanoseconds(0)));
    require_going_on();
  }

  Stage& stage_;
  std::stop_source stop_;
  std::vector<Operation*> sleeping_;
  std::vector<OutsideOperation*> outside_;
  std::thread thread_;
};

}  // namespace detail

// web_socket_once_per_child or web_socket_once_per_httpd, from its start to its end; what is begun
// again by a server is not here.
class Work {
 public:
  enum Kind { once_per_child, once_per_httpd };

  // Starts it. Raises Failure if the handler has no such function.
  Work(Server& server, Kind kind) : stage_(server.stage_), work_(stage_) {
    const HandlerTable& handler = server.handler();
    const bool per_child = kind == once_per_child;
    if (auto* const function = per_child ? handler.once_per_child : handler.once_per_httpd)
      work_.run(function);
    else if (auto* const blocking =
                 per_child ? handler.blocking_once_per_child : handler.blocking_once_per_httpd)
      work_.run(blocking);
    else
      throw Failure("the handler has no such work");
    stage_.settle();
  }
  ~Work() { stop(); }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  // Ends it, as when the child stops: what it waits for raises StoppedException.
  void stop() {
    work_.stop();
    stage_.settle();
  }
  bool has_ended() const { return work_.has_ended; }
  // Raises what it has raised, if it has; not StoppedException at its end.
  void rethrow() const {
    if (work_.error) std::rethrow_exception(work_.error);
  }
  const std::vector<std::string>& logged() const { return work_.logged; }

 private:
  detail::Stage& stage_;
  detail::RunningWork work_;
};

}  // namespace cppwebsocket::testing
