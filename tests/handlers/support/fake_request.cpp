#include "handlers/support/fake_request.hpp"

#include <algorithm>
#include <coroutine>

namespace cppwebsocket::testing {

// A coroutine that starts at once and frees itself.
struct FakeRequest::Started {
  struct promise_type {
    Started get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

FakeRequest::Started FakeRequest::drive(Task<> task, Run& run) {
  try {
    co_await std::move(task);
  } catch (...) {
    run.error = std::current_exception();
  }
  run.ended = true;
  if (&run == &main_) end_operations();
}

FakeRequest::~FakeRequest() { end_operations(); }

void FakeRequest::shake_hands(const HandlerTable& handler) {
  handler.do_extra_handshake(*this);
  open();
}

void FakeRequest::transfer_data(const HandlerTable& handler) {
  drive(handler.transfer_data(*this), main_);
}

void FakeRequest::deliver() {
  while (receiving_ && (!incoming.empty() || peer_closed)) {
    std::exchange(receiving_, nullptr)->waiting.resume();
  }
}

void FakeRequest::advance(std::chrono::nanoseconds duration) {
  const auto until = now_ + duration;
  for (;;) {
    const auto next = std::min_element(sleepers_.begin(), sleepers_.end(),
                                       [](auto& a, auto& b) { return a.deadline < b.deadline; });
    if (next == sleepers_.end() || next->deadline > until) break;
    now_ = next->deadline;
    detail::SleepOperation& operation = *next->operation;
    sleepers_.erase(next);
    operation.waiting.resume();
  }
  now_ = until;
}

void FakeRequest::lose() {
  FakeConnection::record.close_code = close_code::abnormal_closure;
  end_operations();
}

std::size_t FakeRequest::running_tasks() const {
  return static_cast<std::size_t>(
      std::count_if(tasks_.begin(), tasks_.end(), [](auto& task) { return !task->ended; }));
}

void FakeRequest::spawn(Task<> task) {
  tasks_.push_back(std::make_unique<Run>());
  drive(std::move(task), *tasks_.back());
}

// Everything that waits raises, as when the connection ends.
void FakeRequest::end_operations() {
  stop_.request_stop();
  const auto raise = [](detail::Operation& operation) {
    operation.error = std::make_exception_ptr(ConnectionTerminatedException("the end"));
    operation.waiting.resume();
  };
  if (receiving_) raise(*std::exchange(receiving_, nullptr));
  for (const Sleeper& sleeper : std::exchange(sleepers_, {})) raise(*sleeper.operation);
}

bool FakeRequest::begin(detail::ReceiveOperation& operation) {
  if (!incoming.empty() || peer_closed) return true;
  receiving_ = &operation;
  return false;
}

std::optional<Message> FakeRequest::take_received() noexcept { return take_incoming(); }

bool FakeRequest::send(Message&& message, bool) {
  accept(std::move(message));
  return true;
}

bool FakeRequest::send_ping(std::string_view) { return true; }

bool FakeRequest::begin(detail::CloseOperation&, Close&& close) {
  accept(std::move(close));
  return true;
}

bool FakeRequest::begin(detail::SleepOperation& operation, std::chrono::nanoseconds duration) {
  sleepers_.push_back({&operation, now_ + duration});
  return false;
}

void FakeRequest::begin(detail::PoolOperation& operation) {
  operation.call(operation);
  operation.waiting.resume();
}

}  // namespace cppwebsocket::testing
