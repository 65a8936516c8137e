// An event loop that the test turns by hand, with a clock of its own.
// Thread: the test's; post() is for any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/loop/blocking_pool.hpp"
#include "runtime/session/event_loop.hpp"
#include "runtime/loop/timer_heap.hpp"
#include "runtime/session/session.hpp"
#include "runtime/support/fake_transport.hpp"

namespace cppwebsocket::testing {

class FakeLoop final : public runtime::EventLoop {
 public:
  // Begins at a whole tick, so that what a session knows of times is exact for them.
  FakeLoop() { now_ = runtime::Ticks(now_).before(now_); }
  ~FakeLoop();

  // Takes over an opened session, whose transport's other end is `peer`, and starts it.
  void adopt(std::unique_ptr<runtime::Session> session, std::shared_ptr<FakePeer> peer);

  // Runs what is posted and lets each session read and write until nothing moves any more.
  void run();
  // One round of that: what is posted, at most one call of on_ready for each session, and the timers
  // that are due.
  bool run_once();
  bool run_posted();

  // Lets time pass: timers fire at their time, in their order.
  void advance(std::chrono::nanoseconds duration);

  // Runs until `done`, waiting for the posts of other threads; false if that takes 20 seconds.
  bool run_until(const std::function<bool()>& done);

  std::size_t sessions() const { return sessions_.size(); }
  runtime::Interest interest(const runtime::Session& session) const;
  bool has_timers() const { return !timers_.empty(); }
  std::size_t descriptors() const { return watchers_.size(); }  // that are watched, and no session's

  detail::TimePoint clock() const noexcept override { return now_ + per_look * ++looks_; }
  using EventLoop::post;
  void post(runtime::Posted& posted) noexcept override;
  bool runs_here() const noexcept override { return thread_ == std::this_thread::get_id(); }
  void arm(detail::TimerNode& timer, detail::TimePoint deadline) override;
  void disarm(detail::TimerNode& timer) noexcept override;
  void watch(runtime::Session& session, runtime::Interest interest, bool is_new) override;
  void unwatch(runtime::Session& session) noexcept override;
  void watch(int descriptor, runtime::DescriptorWatcher& watcher, runtime::Interest interest) override;
  void unwatch(int descriptor, runtime::DescriptorWatcher& watcher) noexcept override;
  void finished(runtime::Session& session) noexcept override;
  runtime::BlockingPool& call_pool() noexcept override { return call_pool_; }
  runtime::BlockingPool& connection_pool() noexcept override { return connection_pool_; }

  std::chrono::nanoseconds per_look{0};  // what passes, for turns, between two looks at the clock
  bool watch_fails = false;  // as epoll_ctl may, when the kernel has no memory

 private:
  struct Entry {
    std::unique_ptr<runtime::Session> session;
    std::shared_ptr<FakePeer> peer;
    runtime::Interest interest;
    bool watched = false;
    bool over = false;
  };
  bool poll(runtime::Session& session);
  bool poll_descriptors();
  void destroy_finished();

  std::mutex mutex_;
  std::condition_variable changed_;
  runtime::PostedList posted_;  // GUARDED_BY(mutex_)
  const std::thread::id thread_ = std::this_thread::get_id();

  mutable int looks_ = 0;
  runtime::TimerHeap timers_;
  std::map<runtime::Session*, Entry> sessions_;
  struct Watched {
    runtime::DescriptorWatcher* watcher;
    runtime::Interest interest;
  };
  std::map<int, Watched> watchers_;  // of real descriptors
  runtime::BlockingPool connection_pool_{8};
  runtime::BlockingPool call_pool_{4};
};

}  // namespace cppwebsocket::testing
