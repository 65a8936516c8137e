#include "runtime/reactor/reactor.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/loop/blocking_pool.hpp"
#include "runtime/session/session.hpp"
#include "runtime/watch/watched_thread.hpp"

namespace cppwebsocket::runtime {

namespace {

constexpr std::chrono::seconds spare_life{1};

// What epoll gives back: a session, a watcher with its lowest bit set, or of what only had to wake
// the loop, this.
void* const nobody = nullptr;

void* tagged(DescriptorWatcher& watcher) noexcept {
  static_assert(alignof(DescriptorWatcher) > 1 && alignof(Session) > 1);
  return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(&watcher) | 1);
}

const Session* session_of(const epoll_event& event) noexcept {
  const bool is_session =
      event.data.ptr && (reinterpret_cast<std::uintptr_t>(event.data.ptr) & 1) == 0;
  return is_session ? static_cast<const Session*>(event.data.ptr) : nullptr;
}

std::uint32_t events_of(Interest interest) noexcept {
  return (interest.readable ? EPOLLIN : 0u) | (interest.writable ? EPOLLOUT : 0u);
}

int checked(int descriptor, const char* what) {
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), what);
  return descriptor;
}

}  // namespace

Reactor::Reactor(BlockingPool& connection_pool, BlockingPool& call_pool, const StopPlan& plan,
                 std::function<void(std::string_view)> report, std::function<void()> draining,
                 Column* column)
    : plan_(plan),
      report_(std::move(report)),
      draining_(std::move(draining)),
      connection_pool_(connection_pool),
      call_pool_(call_pool),
      epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      stopped_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      random_(std::random_device()()) {
  fire = [](TimerNode& node) { static_cast<Reactor&>(node).next_stop_step(); };
  count_in(column);
  counters().used = 1;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // each write to it wakes, though nobody reads
  event.data.ptr = nobody;
  checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event), "epoll_ctl");
  const sigset_t others = signals_of_others();
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, &others, &before);
  thread_ = std::thread([this] {
    watched().set_thread(static_cast<pid_t>(::syscall(SYS_gettid)));
    WatchedThread::here_runs(watched().running());
    run();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Reactor::~Reactor() {
  begin_stop(Stop::at_once);
  thread_.join();
  if (given_up_) {  // the process lives on, as a test's does: so wait for them after all
    given_up_ = ended_ = false;
    run();
  }
  running_.append(posted_);
  while (!running_.empty()) running_.pop_front().drop();
  ::close(epoll_);
  ::close(wake_);
  ::close(stopped_);
}

// --- Thread: any ------------------------------------------------------------------------------

void Reactor::adopt(std::unique_ptr<Session> session) {
  std::lock_guard lock(mutex_);
  if (ended_) return;  // which destroys the session, once the lock is gone
  adopted_.push_back(std::move(session));
  if (adopted_.size() == 1) wake();
}

std::vector<std::unique_ptr<Session>> Reactor::take_unstarted() {
  std::vector<std::unique_ptr<Session>> unstarted;
  std::lock_guard lock(mutex_);
  unstarted.swap(adopted_);
  return unstarted;
}

void Reactor::post(Posted& posted) noexcept {
  std::lock_guard lock(mutex_);
  const bool is_first = posted_.empty();
  posted_.push_back(posted);
  if (is_first) wake();  // with the lock: what is posted may let the reactor end
}

bool Reactor::runs_here() const noexcept { return thread_.get_id() == std::this_thread::get_id(); }

void Reactor::attach(std::shared_ptr<LoopSource> source) {
  if (source->descriptor() >= 0) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = nobody;
    checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, source->descriptor(), &event), "epoll_ctl");
  }
  post([this, source = std::move(source)] { sources_.push_back(source); });
}

struct Reactor::Visit {
  std::function<void(Session&)> visit;
  std::function<void()> done;
  std::size_t left;  // of the set: what has moved to a place that was visited is not visited
};

void Reactor::for_each_session(std::function<void(Session&)> visit, std::function<void()> done) {
  post([this, visit = std::move(visit), done = std::move(done)] {
    visit_some(std::make_shared<Visit>(Visit{visit, done, sessions_.size()}));
  });
}

// From the last to the first: one that goes is followed by the last, which was visited.
void Reactor::visit_some(std::shared_ptr<Visit> visit) {
  constexpr std::size_t at_once = 256;
  visit->left = std::min(visit->left, sessions_.size());
  for (std::size_t i = 0; i < at_once && visit->left != 0; ++i) {
    Session& session = sessions_[--visit->left];
    visit->visit(session);
    visit->left = std::min(visit->left, sessions_.size());
  }
  if (visit->left == 0) return visit->done();
  post([this, visit = std::move(visit)]() mutable { visit_some(std::move(visit)); });
}

void Reactor::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

bool Reactor::expect() noexcept {
  std::lock_guard lock(mutex_);
  if (ended_) return false;
  ++expected_;
  return true;
}

void Reactor::expect_no_longer() noexcept {
  --expected_;
  if (stop_asked_ != Stop::no) wake();  // it may have been the last
}

// --- Thread: the reactor's ---------------------------------------------------------------------

void Reactor::run() {
  while (!all_done()) {
    wait_for_events();
    timers_.fire_due(now_);
    drop_spares();
    start_adopted();
    run_posted();
    for (std::size_t i = 0; i < sources_.size(); ++i) sources_[i]->run();
    if (const Stop asked = stop_asked_; asked != stopping_) stop_sessions(asked);
    for (std::size_t i = 0; i < over_.size(); ++i) delete over_[i];
    over_.clear();
    end_round();
  }
  watched().end_round();
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stopped_, &one, sizeof one);
}

// One round in so many is timed: from epoll's answer to here, and its turns.
void Reactor::end_round() noexcept {
  if (round_++ % Column::sampled != 0) return;
  counters().rounds.note(clock() - now_);
}

void Reactor::wait_for_events() {
  std::array<epoll_event, 256> events;
  int timeout = timeout_ms();
  for (auto& source : sources_)
    if (!source->prepare_to_wait()) timeout = 0;
  watched().end_round();
  const int count = ::epoll_wait(epoll_, events.data(), events.size(), timeout);
  for (auto& source : sources_) source->waited();
  now_ = std::chrono::steady_clock::now();
  watched().begin_round(now_);
  deflate_workspace().share().begin_round();
  events_ = std::span(events).first(count > 0 ? static_cast<std::size_t>(count) : 0);
  const bool is_sampled = round_ % Column::sampled == 0;
  detail::TimePoint begin = now_;
  while (!events_.empty()) {
    const epoll_event event = events_.front();
    events_ = events_.subspan(1);
    fetch_ahead();
    dispatch(event);
    if (is_sampled) {
      const detail::TimePoint end = clock();
      counters().turns.note(end - begin);
      begin = end;
    }
  }
}

// Of thousands of sessions no cache holds all. What the next one needs comes from memory while the
// kernel serves this one: first its Session, and a turn later what that points to.
void Reactor::fetch_ahead() const noexcept {
  if (events_.size() > 1)
    if (const Session* session = session_of(events_[1])) session->fetch();
  if (!events_.empty())
    if (const Session* session = session_of(events_[0])) session->fetch_parts();
}

void Reactor::dispatch(const epoll_event& event) {
  void* const whom = event.data.ptr;
  const bool readable = event.events & EPOLLIN;
  const bool writable = event.events & EPOLLOUT;
  const bool hung_up = event.events & (EPOLLHUP | EPOLLERR);
  if (whom == nobody) return;
  if (reinterpret_cast<std::uintptr_t>(whom) & 1) {
    auto* const watcher = static_cast<char*>(whom) - 1;
    reinterpret_cast<DescriptorWatcher*>(watcher)->on_ready(readable, writable, hung_up);
  } else {
    // A session that ended earlier in this round is still there, in over_, and ignores this.
    static_cast<Session*>(whom)->on_ready(readable, writable, hung_up);
  }
}

bool Reactor::all_done() {
  if (stopping_ == Stop::no) return false;
  if (!given_up_ && (!sessions_.empty() || !running_.empty())) return false;
  std::lock_guard lock(mutex_);
  const bool no_more_come = stopping_ == Stop::at_once || no_more_come_;
  ended_ = given_up_ || (no_more_come && expected_ == 0 && adopted_.empty());
  return ended_;
}

void Reactor::start_adopted() {
  std::vector<std::unique_ptr<Session>> adopted;
  {
    std::lock_guard lock(mutex_);
    adopted.swap(adopted_);
  }
  for (auto& session : adopted) {
    Session* const started = session.release();
    sessions_.insert(*started);
    started->start();
    if (stopping_ != Stop::no) started->go_away(leaving_time(0, 1));
  }
}

// As much as a turn may take; then the sessions have theirs.
void Reactor::run_posted() {
  {
    std::lock_guard lock(mutex_);
    running_.append(posted_);
  }
  if (running_.empty()) return;
  const detail::TimePoint end = clock() + longest_turn;
  do {
    running_.pop_front().run();
  } while (!running_.empty() && clock() < end);
}

int Reactor::timeout_ms() noexcept {
  if (!running_.empty()) return 0;
  auto next = timers_.empty() ? detail::TimePoint::max() : timers_.next_deadline();
  if (!spare_payloads().empty()) next = std::min(next, spares_end_);
  if (next == detail::TimePoint::max()) return -1;
  const auto left = next - now_;  // a look at the clock for each wait is enough
  if (left.count() <= 1) return 0;  // a nanosecond: armed for at once (TimerHeap)
  return static_cast<int>(
      std::min<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), 60'000));
}

void Reactor::drop_spares() noexcept {
  if (now_ < spares_end_) return;
  spare_payloads().free_unused();
  spares_end_ = now_ + spare_life;
}

void Reactor::arm(detail::TimerNode& timer, detail::TimePoint deadline) {
  timers_.arm(timer, deadline);
}

void Reactor::disarm(detail::TimerNode& timer) noexcept { timers_.disarm(timer); }

void Reactor::watch(Session& session, Interest interest, bool is_new) {
  epoll_event event{};
  event.events = events_of(interest);
  event.data.ptr = &session;
  const int what = is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  checked(::epoll_ctl(epoll_, what, session.descriptor(), &event), "epoll_ctl");
}

void Reactor::unwatch(Session& session) noexcept {
  epoll_event event{};
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, session.descriptor(), &event);
}

void Reactor::watch(int descriptor, DescriptorWatcher& watcher, Interest interest) {
  epoll_event event{};
  event.events = events_of(interest);
  event.data.ptr = tagged(watcher);
  if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event) == 0) return;
  checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
}

void Reactor::unwatch(int descriptor, DescriptorWatcher& watcher) noexcept {
  epoll_event event{};
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, &event);
  for (epoll_event& later : events_)  // it may be gone by then
    if (later.data.ptr == tagged(watcher)) later.data.ptr = nobody;
}

void Reactor::finished(Session& session) noexcept {
  if (sessions_.erase(session)) over_.push_back(&session);
}

}  // namespace cppwebsocket::runtime
