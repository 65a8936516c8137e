#include "runtime/background/work.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

#include "runtime/loop/blocking_pool.hpp"
#include "runtime/session/outside.hpp"
#include "runtime/watch/watched_thread.hpp"

namespace cppwebsocket::runtime {

namespace {

using detail::Operation;

[[noreturn]] void raise_end() { throw StoppedException("this work is to end"); }

class CoroutineWork final : public Work, private Background {
 public:
  using Function = Task<void> (*)(Background&);

  CoroutineWork(EventLoop& loop, const Handler& handler, Function function, Log log, Ended ended)
      : loop_(loop),
        subject_{handler.name(), handler.version()},
        function_(function),
        log_(std::move(log)),
        ended_(std::move(ended)) {}

  void run() override {
    const Running::Turn now(loop_.watched().running(), subject_);
    task_ = detail::RootTask(function_(*this));
    turn([this] { task_.start(); });
  }

  void end() noexcept override {
    turn([this] {
      is_to_end_ = true;
      stop_.request_stop();
      cancel_all(outside_);
      while (Operation* const operation = waiting_.front()) {
        operation->error = reason();
        complete(*operation);
      }
    });
  }

 private:
  // Whatever resumes the task comes by here, so that nobody is left in this object when it goes.
  template <typename Body>
  void turn(Body body) noexcept {
    std::exception_ptr error;
    {
      const Running::Turn now(loop_.watched().running(), subject_);
      body();
      if (!task_.has_ended()) return;
      error = task_.take_error();
      task_ = detail::RootTask();  // with its locals
    }
    const Ended ended = std::move(ended_);
    ended(std::move(error));
  }

  static std::exception_ptr reason() noexcept {
    try {
      raise_end();
    } catch (...) {
      return std::current_exception();
    }
  }
  void require_going_on() const {
    if (is_to_end_) raise_end();
  }
  void complete(Operation& operation) noexcept {
    waiting_.remove(operation);
    loop_.disarm(static_cast<detail::SleepOperation&>(operation).timer);
    operation.waiting.resume();
  }

  std::stop_token stop_token() override { return stop_.get_token(); }
  void log(LogLevel level, std::string_view text) override { log_(level, text); }

  bool begin(detail::SleepOperation& operation, std::chrono::nanoseconds duration) override {
    require_going_on();
    using std::chrono::ceil, std::chrono::milliseconds, std::chrono::nanoseconds;
    duration = std::max(duration, nanoseconds(0));
    const auto longest = detail::TimePoint::max() - loop_.now() - milliseconds(1);
    detail::OperationTimer& timer = operation.timer;
    if (duration < longest) timer.deadline = loop_.now() + ceil<milliseconds>(duration);
    timer.session = this;
    timer.operation = &operation;
    timer.fire = [](detail::TimerNode& node) {
      auto& over = static_cast<detail::OperationTimer&>(node);
      auto& work = *static_cast<CoroutineWork*>(over.session);
      work.turn([&] { work.complete(*over.operation); });
    };
    loop_.arm(timer, timer.deadline);
    waiting_.push_back(operation);
    return false;
  }

  // These cannot be interrupted; the reactor waits for them.
  void begin(detail::PoolOperation& operation) override {
    auto* const back =
        new PostedFunction([this, &operation] { turn([&] { operation.waiting.resume(); }); });
    try {
      loop_.call_pool().run([&operation, &loop = loop_, back] {
        operation.call(operation);
        loop.post(*back);
      });
    } catch (...) {
      back->drop();
      throw;
    }
  }
  void begin(detail::OutsideOperation& operation) override {
    require_going_on();
    begin_outside(operation, loop_, [this, &operation] {
      outside_.remove(operation);
      if (is_to_end_) operation.error = reason();
      turn([&] { operation.waiting.resume(); });
    });
    outside_.push_back(operation);
  }

  EventLoop& loop_;
  const Subject subject_;
  const Function function_;
  const Log log_;
  Ended ended_;
  detail::RootTask task_;
  OperationList waiting_;  // that sleep
  OperationList outside_;
  std::stop_source stop_;
  bool is_to_end_ = false;
};

class BlockingWork final : public Work, private BlockingBackground {
 public:
  using Function = void (*)(BlockingBackground&);

  BlockingWork(EventLoop& loop, const Handler& handler, Function function, Log log, Ended ended)
      : loop_(loop),
        subject_{handler.name(), handler.version()},
        function_(function),
        log_(std::move(log)),
        ended_(std::move(ended)) {}

  void run() override {
    auto* const back = new PostedFunction([this] {
      const Ended ended = std::move(ended_);
      ended(std::move(error_));
    });
    try {
      start_thread([this, back, &loop = loop_] {
        try {
          const WatchedThread::Turn now(subject_);
          function_(*this);
        } catch (...) {
          error_ = std::current_exception();
        }
        loop.post(*back);
      });
    } catch (...) {
      back->drop();
      throw;
    }
  }
  void end() noexcept override { stop_.request_stop(); }

 private:
  void sleep_for(std::chrono::nanoseconds duration) override {
    std::unique_lock lock(mutex_);
    const std::stop_token token = stop_.get_token();
    std::condition_variable_any never;
    never.wait_until(lock, token, detail::after(duration), [] { return false; });
    if (token.stop_requested()) raise_end();
  }
  std::stop_token stop_token() override { return stop_.get_token(); }
  void log(LogLevel level, std::string_view text) override { log_(level, text); }

  EventLoop& loop_;
  const Subject subject_;
  const Function function_;
  const Log log_;
  Ended ended_;
  std::exception_ptr error_;  // the thread's, and the loop's once it has ended
  std::stop_source stop_;
  std::mutex mutex_;
};

}  // namespace

bool has_work(const Handler& handler, WorkKind kind) noexcept {
  const HandlerTable& table = handler.table();
  return kind == WorkKind::once_per_child ? table.once_per_child || table.blocking_once_per_child
                                          : table.once_per_httpd || table.blocking_once_per_httpd;
}

std::unique_ptr<Work> make_work(EventLoop& loop, const Handler& handler, WorkKind kind,
                                Work::Log log, Work::Ended ended) {
  const HandlerTable& table = handler.table();
  const bool is_per_child = kind == WorkKind::once_per_child;
  if (auto* const function = is_per_child ? table.once_per_child : table.once_per_httpd)
    return std::make_unique<CoroutineWork>(loop, handler, function, std::move(log), std::move(ended));
  return std::make_unique<BlockingWork>(
      loop, handler, is_per_child ? table.blocking_once_per_child : table.blocking_once_per_httpd,
      std::move(log), std::move(ended));
}

}  // namespace cppwebsocket::runtime
