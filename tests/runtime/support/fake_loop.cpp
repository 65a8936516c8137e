#include "runtime/support/fake_loop.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/stat.h>

namespace cppwebsocket::testing {

using runtime::Interest;
using runtime::Session;

FakeLoop::~FakeLoop() { EXPECT_TRUE(sessions_.empty()) << "a session has not ended"; }

void FakeLoop::adopt(std::unique_ptr<Session> session, std::shared_ptr<FakePeer> peer) {
  Session& started = *session;
  Entry& entry = sessions_[&started];
  entry.session = std::move(session);
  entry.peer = std::move(peer);
  started.start();
  destroy_finished();
}

void FakeLoop::run() {
  for (int round = 0; run_once(); ++round) {
    if (round < 100'000) continue;
    FAIL() << "the sessions never come to rest";
  }
}

bool FakeLoop::run_once() {
  bool moved = run_posted();
  deflate_workspace().share().begin_round();
  std::vector<Session*> all;
  for (auto& [session, entry] : sessions_) all.push_back(session);
  for (Session* session : all) moved |= poll(*session);
  moved |= poll_descriptors();
  if (!timers_.empty() && timers_.next_deadline() <= now_ + std::chrono::nanoseconds(1)) {
    now_ = std::max(now_, timers_.next_deadline());
    timers_.fire_due(now_);
    moved = true;
  }
  destroy_finished();
  return moved;
}

bool FakeLoop::run_posted() {
  runtime::PostedList posted;
  {
    std::lock_guard lock(mutex_);
    posted.append(posted_);
  }
  const bool any = !posted.empty();
  while (!posted.empty()) posted.pop_front().run();
  destroy_finished();
  return any;
}

bool FakeLoop::poll(Session& session) {
  const auto found = sessions_.find(&session);
  if (found == sessions_.end() || !found->second.watched) return false;
  const Entry& entry = found->second;
  const bool readable = entry.interest.readable && entry.peer->readable();
  const bool writable = entry.interest.writable && entry.peer->writable();
  if (!readable && !writable && !entry.peer->hung_up) return false;
  session.on_ready(readable, writable, entry.peer->hung_up);
  return true;
}

// One after the other: each may unwatch any.
bool FakeLoop::poll_descriptors() {
  bool moved = false;
  for (const auto& [descriptor, asked] : std::map<int, Watched>(watchers_)) {
    const auto found = watchers_.find(descriptor);
    if (found == watchers_.end() || found->second.watcher != asked.watcher) continue;
    const Interest interest = found->second.interest;
    pollfd state{descriptor, static_cast<short>((interest.readable ? POLLIN : 0) | (interest.writable ? POLLOUT : 0)), 0};
    if (::poll(&state, 1, 0) <= 0) continue;
    moved = true;
    asked.watcher->on_ready(state.revents & POLLIN, state.revents & POLLOUT, state.revents & (POLLHUP | POLLERR));
  }
  return moved;
}

void FakeLoop::destroy_finished() {
  for (auto each = sessions_.begin(); each != sessions_.end();)
    each = each->second.over ? sessions_.erase(each) : std::next(each);
}

void FakeLoop::advance(std::chrono::nanoseconds duration) {
  const detail::TimePoint target = now_ + duration;
  run();
  while (!timers_.empty() && timers_.next_deadline() <= target) {
    now_ = std::max(now_, timers_.next_deadline());
    timers_.fire_due(now_);
    destroy_finished();
    run();
  }
  now_ = target;
  run();
}

bool FakeLoop::run_until(const std::function<bool()>& done) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    run();
    if (done()) return true;
    std::unique_lock lock(mutex_);
    // What `done` looks at may change without a post, so look at it every few milliseconds.
    changed_.wait_for(lock, std::chrono::milliseconds(5), [&] { return !posted_.empty(); });
    if (std::chrono::steady_clock::now() > give_up) return false;
  }
}

Interest FakeLoop::interest(const Session& session) const {
  return sessions_.at(const_cast<Session*>(&session)).interest;
}

void FakeLoop::post(runtime::Posted& posted) noexcept {
  std::lock_guard lock(mutex_);
  posted_.push_back(posted);
  changed_.notify_all();
}

void FakeLoop::arm(detail::TimerNode& timer, detail::TimePoint deadline) {
  timers_.arm(timer, deadline);
}

void FakeLoop::disarm(detail::TimerNode& timer) noexcept { timers_.disarm(timer); }

void FakeLoop::watch(Session& session, Interest interest, bool is_new) {
  if (watch_fails) throw std::system_error(ENOSPC, std::generic_category(), "epoll_ctl");
  Entry& entry = sessions_.at(&session);
  if (is_new == entry.watched) throw std::logic_error("watched, or not, as the session thinks");
  entry.watched = true;
  entry.interest = interest;
}

void FakeLoop::unwatch(Session& session) noexcept { sessions_.at(&session).watched = false; }

// As epoll has it.
void FakeLoop::watch(int descriptor, runtime::DescriptorWatcher& watcher, Interest interest) {
  if (watch_fails) throw std::system_error(ENOSPC, std::generic_category(), "epoll_ctl");
  struct stat kind;
  if (::fstat(descriptor, &kind) == 0 && S_ISREG(kind.st_mode))
    throw std::system_error(EPERM, std::generic_category(), "epoll_ctl");
  watchers_[descriptor] = {&watcher, interest};
}

void FakeLoop::unwatch(int descriptor, runtime::DescriptorWatcher&) noexcept { watchers_.erase(descriptor); }

void FakeLoop::finished(Session& session) noexcept { sessions_.at(&session).over = true; }

}  // namespace cppwebsocket::testing
