#include "runtime/reactor.hpp"

#include <array>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/blocking_pool.hpp"
#include "runtime/session.hpp"

namespace cppwebsocket::runtime {

namespace {

constexpr std::chrono::seconds spare_life{1};
constexpr std::size_t receive_buffer_size = 64 << 10;  // bytes, one per reactor

int checked(int descriptor, const char* what) {
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), what);
  return descriptor;
}

}  // namespace

Reactor::Reactor(BlockingPool& connection_pool, BlockingPool& call_pool, const StopPlan& plan,
                 std::function<void(std::string_view)> report)
    : plan_(plan),
      report_(std::move(report)),
      connection_pool_(connection_pool),
      call_pool_(call_pool),
      epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      stopped_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      now_(std::chrono::steady_clock::now()),
      receive_buffer_(receive_buffer_size),
      random_(std::random_device()()) {
  stop_timer_.owner = this;
  stop_timer_.fire = [](void* reactor) { static_cast<Reactor*>(reactor)->next_stop_step(); };
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // no session: the wake-up
  checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event), "epoll_ctl");
  sigset_t all, before;  // httpd's signals are for httpd's threads
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Reactor::~Reactor() {
  begin_stop(Stop::at_once);
  thread_.join();
  if (given_up_) {  // the process lives on, as a test's does: so wait for them after all
    given_up_ = ended_ = false;
    run();
  }
  ::close(epoll_);
  ::close(wake_);
  ::close(stopped_);
}

// --- Thread: any ------------------------------------------------------------------------------

void Reactor::adopt(std::unique_ptr<Session> session) {
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;  // which destroys the session, once the lock is gone
    adopted_.push_back(std::move(session));
  }
  wake();
}

void Reactor::post(std::function<void()> function) {
  bool first;
  {
    std::lock_guard lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(function));
  }
  if (first) wake();
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
    if (const Stop asked = stop_asked_; asked != stopping_) stop_sessions(asked);
    for (std::size_t i = 0; i < over_.size(); ++i) delete over_[i];
    over_.clear();
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stopped_, &one, sizeof one);
}

void Reactor::wait_for_events() {
  std::array<epoll_event, 256> events;
  const int count = ::epoll_wait(epoll_, events.data(), events.size(), timeout_ms());
  now_ = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    auto* session = static_cast<Session*>(events[i].data.ptr);
    if (!session) {
      std::uint64_t ignored;
      [[maybe_unused]] const auto taken = ::read(wake_, &ignored, sizeof ignored);
      continue;
    }
    // A session that ended earlier in this round is still there, in over_, and ignores this.
    session->on_ready(events[i].events & EPOLLIN, events[i].events & EPOLLOUT,
                      events[i].events & (EPOLLHUP | EPOLLERR));
  }
}

bool Reactor::all_done() {
  if (stopping_ == Stop::no) return false;
  if (!given_up_ && !sessions_.empty()) return false;
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
    sessions_.insert(started);
    started->start();
    if (stopping_ != Stop::no) started->go_away(leaving_time(0, 1));
  }
}

void Reactor::run_posted() {
  std::vector<std::function<void()>> posted;
  {
    std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  for (auto& function : posted) function();
}

int Reactor::timeout_ms() const noexcept {
  auto next = timers_.empty() ? detail::TimePoint::max() : timers_.next_deadline();
  if (!spare_payloads_.empty()) next = std::min(next, spares_end_);
  if (next == detail::TimePoint::max()) return -1;
  const auto left = next - now_;  // a look at the clock for each wait is enough
  if (left.count() <= 0) return 0;
  return static_cast<int>(
      std::min<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), 60'000));
}

// Nothing stays of a peak: what large messages still need they soon gather again.
void Reactor::drop_spares() noexcept {
  if (now_ < spares_end_) return;
  spare_payloads_.clear();
  spares_end_ = now_ + spare_life;
}

void Reactor::arm(detail::TimerNode& timer, detail::TimePoint deadline) {
  timers_.arm(timer, deadline);
}

void Reactor::disarm(detail::TimerNode& timer) noexcept { timers_.disarm(timer); }

void Reactor::watch(Session& session, Interest interest) {
  epoll_event event{};
  event.events = (interest.readable ? EPOLLIN : 0u) | (interest.writable ? EPOLLOUT : 0u);
  event.data.ptr = &session;
  if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, session.descriptor(), &event) == 0) return;
  checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, session.descriptor(), &event), "epoll_ctl");
}

void Reactor::unwatch(Session& session) noexcept {
  epoll_event event{};
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, session.descriptor(), &event);
}

void Reactor::finished(Session& session) noexcept {
  if (sessions_.erase(&session) == 1) over_.push_back(&session);
}

}  // namespace cppwebsocket::runtime
