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

std::unique_ptr<Session> Runtime::make_session(std::unique_ptr<detail::RequestRecord> record,
                                               std::shared_ptr<const Handler> handler,
                                               std::string_view& why_not) {
  if (stopping_) {
    why_not = "this child is stopping";
    return nullptr;
  }
  if (connections_.fetch_add(1) >= options_.max_connections) {
    --connections_;
    why_not = "WebSocketMaxConnections is reached";
    return nullptr;
  }
  const bool blocking = handler->is_blocking();
  if (blocking && !connection_pool_.reserve()) {
    --connections_;
    why_not = "WebSocketBlockingThreads is reached";
    return nullptr;
  }
  record->id = next_id_.fetch_add(1);
  Reactor& reactor = *reactors_[next_reactor_.fetch_add(1) % reactors_.size()];
  return std::make_unique<Session>(std::move(record), std::move(handler), reactor,
                                   [this, blocking] {
                                     if (blocking) connection_pool_.release();
                                     --connections_;
                                   });
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
