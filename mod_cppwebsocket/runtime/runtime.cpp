#include "runtime/runtime.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include <malloc.h>
#include <poll.h>
#include <unistd.h>

#include "runtime/watch/watched_thread.hpp"

namespace cppwebsocket::runtime {

namespace {
constexpr std::string_view child_is_stopping = "this child is stopping";
// One that asks a directory server which is silent is busy for minutes.
constexpr std::size_t question_threads = 8;

// All of the heap's pages that nothing is in.
void give_memory_back() noexcept {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace

Runtime::Runtime(const RuntimeOptions& options)
    : options_(options),
      memory_(options.memory),
      handlers_(options.channels, options.load_notes, options.copies),
      connection_pool_(options.blocking_threads),
      call_pool_(options.blocking_threads),
      question_pool_(question_threads),
      rechecks_(question_pool_) {
  describe_connections_by(describe_session);
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
  Reactor& first = first_reactor();
  rechecks_.start(first, [&first] { return first.expect(); }, [&first] { first.expect_no_longer(); });
}

Runtime::~Runtime() {
  watchdog_.reset();
  begin_stop(Stop::at_once);
  rechecks_.stop(std::chrono::hours(1));
  reactors_.clear();
}

// What others see is in memory that others may write to: no decision rests on it.
std::uint64_t Runtime::count(int change) noexcept {
  if (options_.connections) *options_.connections += static_cast<std::uint64_t>(change);
  const std::uint64_t now = connections_ += static_cast<std::uint64_t>(change);
  // One that comes at the same instant may be left out.
  if (now > most_connections_.load(std::memory_order_relaxed)) most_connections_.store(now, std::memory_order_relaxed);
  return now;
}

std::string_view Runtime::take_place(bool blocking) noexcept {
  if (stop_ == Stop::at_once || retiring_) return child_is_stopping;
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
  Reactor* const picked = pick_reactor();
  if (!picked) {
    why_not = "all event threads are held up (CWS0090)";
    return nullptr;
  }
  Reactor& reactor = *picked;
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
  if (blocking) count_blocking(*handler);
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

void Runtime::session_gone(EventLoop& loop, const void* blocking_handler,
                           const detail::RequestRecord& record) noexcept {
  if (options_.gone) options_.gone(record);
  if (blocking_handler) {
    std::lock_guard lock(blocking_mutex_);
    const auto place = blocking_.find(blocking_handler);
    if (place != blocking_.end() && --place->second.connections == 0) blocking_.erase(place);
    connection_pool_.release();
  }
  count(-1);
  static_cast<Reactor&>(loop).expect_no_longer();
}

void Runtime::connection_ended(Connection& connection) noexcept {
  if (options_.ended) options_.ended(connection);
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
  // At the process's end httpd's memory goes under whoever still asks.
  constexpr milliseconds last_answers{200};
  return rechecks_.stop(last_answers) && all;
}

// --- what comes of it that an event thread is held up, or that all threads of blocking handlers are taken --------

void Runtime::watch(WatchdogOptions options) {
  std::vector<WatchedLoop*> loops;
  for (auto& reactor : reactors_) loops.push_back(&reactor->watched());
  watched_by_ = options;
  watchdog_ = std::make_unique<Watchdog>(
      std::move(options), std::move(loops),
      Watchdog::Others{.is_stalled = [this](WatchedLoop& stalled) { rescue(stalled); },
                       .look = [this](Watchdog::Clock::time_point now) {
                         look_at_threads(now);
                         show_memory();
                         if (idle_heap_.is_due(connections(), most_connections_.exchange(0), now)) give_memory_back();
                       }});
  watchdog_->start();
}

// The next in turn, unless its round takes long: then who has been in one for the shortest time.
Reactor* Runtime::pick_reactor() noexcept {
  constexpr std::chrono::milliseconds usual{20};
  const auto now = Watchdog::Clock::now();
  const std::size_t first = next_reactor_.fetch_add(1);
  Reactor* best = nullptr;
  Watchdog::Clock::duration least{};
  for (std::size_t i = 0; i < reactors_.size(); ++i) {
    Reactor& each = *reactors_[(first + i) % reactors_.size()];
    const auto age = each.watched().round_age(now);
    if (age <= usual) return &each;
    if (each.watched().is_stalled() || (best && age >= least)) continue;
    best = &each;
    least = age;
  }
  return best;
}

// They have had their 101, and nobody has looked at them since.
void Runtime::rescue(WatchedLoop& stalled) noexcept {
  const auto of = std::find_if(reactors_.begin(), reactors_.end(),
                               [&](auto& each) { return &each->watched() == &stalled; });
  if (of == reactors_.end()) return;
  for (auto& session : (*of)->take_unstarted()) {
    Reactor* const other = pick_reactor();
    if (!other || !other->expect()) {
      session->turn_away(Close(close_code::try_again_later, "this server is busy"));
      continue;
    }
    session->move_to(*other);
    (*of)->expect_no_longer();
    other->adopt(std::move(session));
  }
}

void Runtime::count_blocking(const Handler& handler) {
  std::lock_guard lock(blocking_mutex_);
  BlockingCount& count = blocking_[&handler];
  if (count.connections++ == 0) count.handler = handler.name();
}

std::string Runtime::who_holds_threads() {
  std::map<std::string_view, std::size_t> by_name;  // of several versions
  std::lock_guard lock(blocking_mutex_);
  for (const auto& [address, count] : blocking_) by_name[count.handler] += count.connections;
  const auto most = std::max_element(by_name.begin(), by_name.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  if (most == by_name.end()) return {};
  return "; handler " + std::string(most->first) + " holds " + std::to_string(most->second);
}

// To all children. Of the one who writes these words, there is one thread.
void Runtime::show_memory() noexcept {
  ChildCount& shown = count();
  shown.pinned.store(memory_.total(), std::memory_order_relaxed);
  const std::uint64_t slowed = memory_.slowed(), closed = memory_.closed();
  add(shown.slowed, slowed - std::exchange(slowed_shown_, slowed));
  add(shown.closed_for_memory, closed - std::exchange(closed_shown_, closed));
}

// Once for each time that they are, and at most once a minute.
void Runtime::look_at_threads(Watchdog::Clock::time_point now) {
  using namespace std::chrono;
  const auto since = connection_pool_.full_since();
  if (watched_by_.warning.count() == 0 || !watched_by_.tell || since == Watchdog::Clock::time_point{} ||
      now - since < watched_by_.warning || since <= told_of_threads_)
    return;
  if (told_of_threads_ != Watchdog::Clock::time_point{} && now - told_of_threads_ < minutes(1)) return;
  told_of_threads_ = now;
  watched_by_.tell(WatchNews::threads_gone,
                   "all " + std::to_string(options_.blocking_threads) + " threads of blocking handlers have been taken for " +
                       std::to_string(duration_cast<seconds>(now - since).count()) +
                       " s, and who comes is refused" + who_holds_threads());
}

}  // namespace cppwebsocket::runtime
