#include "runtime/runtime.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <poll.h>
#include <unistd.h>

namespace cppwebsocket::runtime {

namespace {
constexpr std::string_view child_is_stopping = "this child is stopping";
}

Runtime::Runtime(const RuntimeOptions& options)
    : options_(options),
      memory_(options.memory),
      handlers_(options.channels, options.load_notes, options.copies),
      connection_pool_(options.blocking_threads),
      call_pool_(options.blocking_threads) {
  std::function<void()> draining;
  if (options.place_is_needed)
    draining = [this] {
      if (options_.place_is_needed()) begin_stop(Stop::soon);
    };
  for (std::size_t i = 0; i < options.reactor_threads; ++i) {
    Column* const column = i < options.page.reactors ? &options.page.columns[i] : nullptr;
    reactors_.push_back(std::make_unique<Reactor>(connection_pool_, call_pool_, options.stop,
                                                  options.report, draining, column));
    reactors_.back()->set_owner(this);
    if (options.memory != 0) reactors_.back()->pins().bound(&memory_);
  }
}

Runtime::~Runtime() {
  begin_stop(Stop::at_once);
  reactors_.clear();
}

// What others see is in memory that others may write to: no decision rests on it.
std::uint64_t Runtime::count(int change) noexcept {
  if (options_.connections) *options_.connections += static_cast<std::uint64_t>(change);
  return connections_ += static_cast<std::uint64_t>(change);
}

std::string_view Runtime::take_place(bool blocking) noexcept {
  if (stop_ == Stop::at_once) return child_is_stopping;
  if (count(1) > options_.max_connections) {
    count(-1);
    return "WebSocketMaxConnections is reached";
  }
  if (blocking && !connection_pool_.reserve()) {
    count(-1);
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
  const auto way = static_cast<Way>(record->way);
  const std::uint16_t slot = options_.sheet ? options_.sheet->slot_of(handler->name(), way) : std::uint16_t{0};
  auto session = std::make_unique<Session>(std::move(record), std::move(handler), reactor);
  session->wire().count_in_slot(slot);
  return session;
}

void Runtime::run_background(std::vector<const HandlerRoot*> roots, Work::Log log,
                             std::function<void(const Lookup&)> tell) {
  Reactor& reactor = first_reactor();
  BackgroundOptions options;
  options.has_work = [this] { return handlers_.has_work(); };
  options.look = [this, roots = std::move(roots), tell = std::move(tell)] {
    std::vector<FoundHandler> found;
    for (const HandlerRoot* root : roots)
      for (Lookup& each : handlers_.scan(*root)) {
        if (!each.problem.empty() && each.newly_seen) tell(each);
        if (each.handler && each.handler->table().has_work())
          found.push_back({std::move(each.file), std::move(each.handler)});
      }
    return found;
  };
  options.log = std::move(log);
  options.channels = options_.channels;
  options.is_stopping = [&reactor] { return reactor.is_stopping(); };
  options.hold = [&reactor] { return reactor.expect(); };
  options.release = [&reactor] { reactor.expect_no_longer(); };
  const auto work = std::make_shared<BackgroundWork>(reactor, std::move(options));
  reactor.attach(work);
  reactor.post([work] { work->start(); });
}

void Runtime::session_gone(EventLoop& loop, bool blocking, const detail::RequestRecord& record) noexcept {
  if (options_.gone) options_.gone(record);
  if (blocking) connection_pool_.release();
  count(-1);
  static_cast<Reactor&>(loop).expect_no_longer();
}

void Runtime::connection_ended(Connection& connection) noexcept {
  if (options_.ended) options_.ended(connection);
}

void Runtime::for_each_session(std::function<void(Session&)> visit, std::function<void()> done) {
  const auto left = std::make_shared<std::atomic<std::size_t>>(reactors_.size());
  const auto each_done = [left, done = std::move(done)] {
    if (left->fetch_sub(1) == 1) done();
  };
  for (auto& reactor : reactors_) reactor->for_each_session(visit, each_done);
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

namespace {
// Puts all that the thread has done before what comes now: poll() alone promises nothing. The descriptor
// stays readable.
void see_stopped(int descriptor) noexcept {
  std::uint64_t times = 0;
  if (::read(descriptor, &times, sizeof times) != sizeof times) return;
  [[maybe_unused]] const auto written = ::write(descriptor, &times, sizeof times);
}
}  // namespace

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
      if (ended) see_stopped(stopped.fd);
      all &= ended;
      break;
    }
  }
  return all;
}

}  // namespace cppwebsocket::runtime
