// A thread that owns many sessions and waits for all of them with epoll.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include "runtime/event_loop.hpp"
#include "runtime/timer_heap.hpp"

namespace cppwebsocket::runtime {

class Reactor final : public EventLoop {
 public:
  Reactor(BlockingPool& connection_pool, BlockingPool& call_pool);
  ~Reactor();  // ends the thread; sessions must be gone
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Takes over an opened session; after the loop's end, drops it. Thread: any.
  void adopt(std::unique_ptr<Session> session);

  // A session is made, or is gone, whether it was adopted or not. Until it is gone the loop does
  // not end, so that a connection accepted just before a stop is told of it. Thread: any.
  void expect() noexcept { ++expected_; }
  void expect_no_longer() noexcept;

  // Has every session, and every later one, close with 1001. Async-signal-safe.
  void begin_stop() noexcept;

  // Readable once all sessions are gone after begin_stop(); the thread has then ended.
  int stopped_descriptor() const noexcept { return stopped_; }

  void post(std::function<void()> function) override;

  detail::TimePoint now() const noexcept override { return now_; }
  void arm(detail::TimerNode& timer, detail::TimePoint deadline) override;
  void disarm(detail::TimerNode& timer) noexcept override;
  void watch(Session& session, Interest interest) override;
  void unwatch(Session& session) noexcept override;
  void finished(Session& session) noexcept override;
  std::span<char> receive_buffer() noexcept override { return receive_buffer_; }
  protocol::Output& spare_output() noexcept override { return spare_output_; }
  protocol::DeflateWorkspace& deflate_workspace() noexcept override { return workspace_; }
  BlockingPool& call_pool() noexcept override { return call_pool_; }
  BlockingPool& connection_pool() noexcept override { return connection_pool_; }

 private:
  void run();
  void wait_for_events();
  void run_posted();
  void start_adopted();
  bool all_done();
  void wake() noexcept;
  void stop_sessions();
  int timeout_ms() const noexcept;

  BlockingPool& connection_pool_;
  BlockingPool& call_pool_;
  const int epoll_;
  const int wake_;     // eventfd: something is posted, or a stop is asked for
  const int stopped_;  // eventfd: all is over
  std::atomic<bool> stop_asked_{false};
  std::atomic<std::size_t> expected_{0};

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;       // GUARDED_BY(mutex_), as both below
  std::vector<std::unique_ptr<Session>> adopted_;
  bool ended_ = false;                              // the loop: nobody will run anything

  // Thread: the reactor's, all below.
  detail::TimePoint now_;
  TimerHeap timers_;
  std::vector<char> receive_buffer_;
  protocol::Output spare_output_;
  protocol::DeflateWorkspace workspace_;
  std::unordered_set<Session*> sessions_;
  std::vector<Session*> over_;  // to be destroyed at the end of this round
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace cppwebsocket::runtime
