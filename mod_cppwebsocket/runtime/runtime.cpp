#include "runtime/runtime.hpp"

#include <algorithm>
#include <cerrno>

#include <poll.h>

namespace cppwebsocket::runtime {

Runtime::Runtime(const RuntimeOptions& options)
    : options_(options),
      connection_pool_(options.blocking_threads),
      call_pool_(options.blocking_threads) {
  for (std::size_t i = 0; i < options.reactor_threads; ++i)
    reactors_.push_back(std::make_unique<Reactor>(connection_pool_, call_pool_));
}

Runtime::~Runtime() {
  begin_stop();
  reactors_.clear();
}

std::string_view Runtime::take_place(bool blocking) noexcept {
  if (stopping_) return "this child is stopping";
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
  reactor.expect();  // before take_place looks whether the child stops
  why_not = take_place(blocking);
  if (!why_not.empty()) {
    reactor.expect_no_longer();
    return nullptr;
  }
  record->id = next_id_.fetch_add(1);
  // Two pointers each, so that std::function needs no memory for them.
  std::function<void()> gone = [this, &reactor] {
    --connections_;
    reactor.expect_no_longer();
  };
  if (blocking)
    gone = [this, &reactor] {
      connection_pool_.release();
      --connections_;
      reactor.expect_no_longer();
    };
  return std::make_unique<Session>(std::move(record), std::move(handler), reactor,
                                   std::move(gone));
}

void Runtime::hand_over(std::unique_ptr<Session> session) {
  static_cast<Reactor&>(session->loop()).adopt(std::move(session));
}

void Runtime::begin_stop() noexcept {
  stopping_ = true;
  for (auto& reactor : reactors_) reactor->begin_stop();
}

bool Runtime::wait_stopped() noexcept {
  using std::chrono::milliseconds, std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + options_.stop_timeout;
  bool all = true;
  for (auto& reactor : reactors_) {
    pollfd stopped{reactor->stopped_descriptor(), POLLIN, 0};
    int ready;
    do {
      const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
      ready = ::poll(&stopped, 1, static_cast<int>(std::max<milliseconds::rep>(left.count(), 0)));
    } while (ready < 0 && errno == EINTR);
    all &= ready == 1;
  }
  return all;
}

}  // namespace cppwebsocket::runtime
