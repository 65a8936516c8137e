#include "runtime/runtime.hpp"

#include <algorithm>
#include <chrono>

#include <poll.h>

namespace cppwebsocket::runtime {

namespace {
constexpr std::string_view child_is_stopping = "this child is stopping";
}

Runtime::Runtime(const RuntimeOptions& options)
    : options_(options),
      connections_(options.connections ? *options.connections : own_connections_),
      handlers_(options.channels),
      connection_pool_(options.blocking_threads),
      call_pool_(options.blocking_threads) {
  for (std::size_t i = 0; i < options.reactor_threads; ++i)
    reactors_.push_back(
        std::make_unique<Reactor>(connection_pool_, call_pool_, options.stop, options.report));
}

Runtime::~Runtime() {
  begin_stop(Stop::at_once);
  reactors_.clear();
}

std::string_view Runtime::take_place(bool blocking) noexcept {
  if (stop_ == Stop::at_once) return child_is_stopping;
  if (connections_.fetch_add(1) >= options_.max_connections) {
    --connections_;
    return "WebSocketMaxConnections is reached";
  }
  if (blocking && !connection_pool_.reserve()) {
    --connections_;
    return "WebSocketBlockingThreads is reached";
  }
  return {};
}

std::unique_ptr<Session> Runtime::make_session(std::unique_ptr<detail::RequestRecord> record,
                                               std::shared_ptr<const Handler> handler,
                                               std::string_view& why_not) {
  const bool blocking = handler->is_blocking();
  Reactor& reactor = *reactors_[next_reactor_.fetch_add(1) % reactors_.size()];
  if (!reactor.expect()) {  // before take_place looks whether the child stops
    why_not = child_is_stopping;
    return nullptr;
  }
  why_not = take_place(blocking);
  if (!why_not.empty()) {
    reactor.expect_no_longer();
    return nullptr;
  }
  record->id = next_id_.fetch_add(1);
  return std::make_unique<Session>(std::move(record), std::move(handler), reactor,
                                   static_cast<SessionOwner*>(this));
}

void Runtime::session_gone(EventLoop& loop, bool blocking) noexcept {
  if (blocking) connection_pool_.release();
  --connections_;
  static_cast<Reactor&>(loop).expect_no_longer();
}

void Runtime::hand_over(std::unique_ptr<Session> session) {
  static_cast<Reactor&>(session->loop()).adopt(std::move(session));
}

void Runtime::begin_stop(Stop how) noexcept {
  Stop now = stop_;
  while (now < how && !stop_.compare_exchange_weak(now, how)) {
  }
  for (auto& reactor : reactors_) reactor->begin_stop(how);
}

bool Runtime::wait_stopped() noexcept {
  using std::chrono::milliseconds, std::chrono::steady_clock;
  for (auto& reactor : reactors_) reactor->end_when_empty();
  // The reactors keep the plan's times; this is for one that a handler blocks.
  constexpr milliseconds allowance{200};
  constexpr milliseconds longest_poll{200};  // a signal may have changed the kind of stop
  Stop kind = stop_;
  auto since = steady_clock::now();
  bool all = true;
  for (auto& reactor : reactors_) {
    pollfd stopped{reactor->stopped_descriptor(), POLLIN, 0};
    for (;;) {
      if (const Stop asked = stop_; asked != kind) {
        kind = asked;
        since = steady_clock::now();
      }
      const StopPlan& plan = options_.stop;
      const auto deadline = since + plan.cut_off_after(kind) + plan.task_time + allowance;
      const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
      const auto time = std::clamp(left, milliseconds(0), longest_poll);
      const bool ended = ::poll(&stopped, 1, static_cast<int>(time.count())) == 1;
      if (!ended && left.count() > 0) continue;
      all &= ended;
      break;
    }
  }
  return all;
}

}  // namespace cppwebsocket::runtime
