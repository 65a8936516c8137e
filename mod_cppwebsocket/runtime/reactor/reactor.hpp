// A thread that owns many sessions and waits for all of them with epoll.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/epoll.h>

#include "runtime/session/event_loop.hpp"
#include "runtime/loop/loop_source.hpp"
#include "runtime/loop/timer_heap.hpp"
#include "runtime/reactor/session_set.hpp"
#include "runtime/reactor/stop_plan.hpp"

namespace cppwebsocket::runtime {

// Its own timer is of the next step of a stop.
class Reactor final : public EventLoop, private detail::TimerNode {
 public:
  // `report` is told what a stop could not end in time; `draining` is called at the beginning of a
  // graceful stop and four times a second while it goes on. Both on the reactor's thread.
  Reactor(BlockingPool& connection_pool, BlockingPool& call_pool, const StopPlan& plan = {},
          std::function<void(std::string_view)> report = {}, std::function<void()> draining = {},
          Column* column = nullptr);  // where it counts
  ~Reactor();  // stops at once, and waits for all handlers
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Takes over an opened session; after the loop's end, drops it. Thread: any.
  void adopt(std::unique_ptr<Session> session);

  // Those that were adopted and have not had their first turn. Thread: any.
  std::vector<std::unique_ptr<Session>> take_unstarted();

  // A session, or work without one, is made, or is gone, whether it was adopted or not. Until it
  // is gone the loop does not end, so that a connection accepted just before a stop is told of it. False if the loop has
  // ended. Thread: any.
  bool expect() noexcept;
  void expect_no_longer() noexcept;

  // Has every session, and every later one, close with 1001, at the time that the plan has for it.
  // Async-signal-safe.
  void begin_stop(Stop how) noexcept;
  bool is_stopping() const noexcept { return stop_asked_ != Stop::no; }  // Thread: any

  // No session comes any more: a graceful stop is over when the last has gone. Async-signal-safe.
  void end_when_empty() noexcept;

  // Readable once the thread has ended after begin_stop(): all sessions are gone, or the plan's
  // time is up. Then some are left whose handlers do not end; they go with the process.
  int stopped_descriptor() const noexcept { return stopped_; }

  // Looks at `source` in every round from now on. Raises system_error. Thread: any.
  void attach(std::shared_ptr<LoopSource> source);

  // Has the reactor call `visit` with each of its sessions, between their turns and some at a time; those that come
  // meanwhile may be left out. Then `done`, once; never if it has ended: whoever waits does so for a bounded time. Both
  // on its thread, and neither raises. Thread: any. Raises std::bad_alloc.
  void for_each_session(std::function<void(Session&)> visit, std::function<void()> done);

  using EventLoop::post;
  void post(Posted& posted) noexcept override;
  bool runs_here() const noexcept override;

  void arm(detail::TimerNode& timer, detail::TimePoint deadline) override;
  void disarm(detail::TimerNode& timer) noexcept override;
  void watch(Session& session, Interest interest, bool is_new) override;
  void unwatch(Session& session) noexcept override;
  void watch(int descriptor, DescriptorWatcher& watcher, Interest interest) override;
  void unwatch(int descriptor, DescriptorWatcher& watcher) noexcept override;
  void finished(Session& session) noexcept override;
  CloseCode leaving_code() const noexcept override { return plan_.code(stopping_); }
  BlockingPool& call_pool() noexcept override { return call_pool_; }
  BlockingPool& connection_pool() noexcept override { return connection_pool_; }

 private:
  friend struct DebugLayout;  // httpd/child/debug_layout.cpp
  struct Visit;
  void run();
  void wait_for_events();
  void end_round() noexcept;
  void fetch_ahead() const noexcept;
  void dispatch(const epoll_event& event);
  void run_posted();
  void start_adopted();
  bool all_done();
  void wake() noexcept;
  int timeout_ms() noexcept;
  void drop_spares() noexcept;
  void visit_some(std::shared_ptr<Visit> visit);

  // reactor_stop.cpp
  enum class StopStep : std::uint8_t { leaving, last_call, cut_off };
  void stop_sessions(Stop how);
  detail::TimePoint leaving_time(std::size_t number, std::size_t count);
  void look_around();
  void next_stop_step();
  void cut_off();
  void report(std::size_t count, std::string_view what);

  const StopPlan plan_;
  const std::function<void(std::string_view)> report_;
  const std::function<void()> draining_;

  BlockingPool& connection_pool_;
  BlockingPool& call_pool_;
  const int epoll_;
  const int wake_;     // eventfd: something is posted, or a stop is asked for
  const int stopped_;  // eventfd: all is over
  std::atomic<Stop> stop_asked_{Stop::no};
  std::atomic<bool> no_more_come_{false};
  std::atomic<std::size_t> expected_{0};

  std::mutex mutex_;
  PostedList posted_;                               // GUARDED_BY(mutex_), as both below
  std::vector<std::unique_ptr<Session>> adopted_;
  bool ended_ = false;                              // the loop: nobody will run anything

  // Thread: the reactor's, all below.
  PostedList running_;  // was posted, and this round or a later one runs it
  TimerHeap timers_;
  std::span<epoll_event> events_;  // of this round, those still to be told
  std::vector<std::shared_ptr<LoopSource>> sources_;
  detail::TimePoint spares_end_{};
  SessionSet sessions_;
  std::vector<Session*> over_;  // to be destroyed at the end of this round
  Stop stopping_ = Stop::no;
  StopStep stop_step_ = StopStep::leaving;
  struct Look final : detail::TimerNode {
    explicit Look(Reactor& of) noexcept : reactor(of) {
      fire = [](TimerNode& node) { static_cast<Look&>(node).reactor.look_around(); };
    }
    Reactor& reactor;
  } look_{*this};
  bool given_up_ = false;           // the plan's time is up
  detail::TimePoint leave_from_{};  // when the sessions leave
  detail::TimePoint leave_until_{};
  detail::TimePoint cut_off_at_{};
  std::minstd_rand random_;
  unsigned round_ = 0;

  std::thread thread_;
};

}  // namespace cppwebsocket::runtime
