// Everything that runs in one httpd child: reactors, blocking pools, the handler library, and
// the count of connections. Made in child_init, never before; stopped by the child's exit.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/background/background.hpp"
#include "runtime/handlers/library.hpp"
#include "runtime/limits/pinned_memory.hpp"
#include "runtime/loop/blocking_pool.hpp"
#include "runtime/permission/rechecks.hpp"
#include "runtime/reactor/reactor.hpp"
#include "runtime/reactor/stop_plan.hpp"
#include "runtime/session/session.hpp"
#include "runtime/watch/idle_heap.hpp"
#include "runtime/watch/watchdog.hpp"

namespace cppwebsocket::runtime {

struct RuntimeOptions {
  std::size_t reactor_threads = 1;
  std::size_t blocking_threads = 64;    // blocking connections, and run_blocking calls, at once
  std::size_t max_connections = 10'000;
  std::size_t memory = 0;  // bytes that they may pin together; 0: no bound
  // Is told of each session that is gone, what its client was. Thread: any, several at once. Raises nothing.
  std::function<void(const detail::RequestRecord&)> gone;
  StopPlan stop;
  // Is told what a stop could not end in time. Thread: a reactor's.
  std::function<void(std::string_view)> report;
  // Asked four times a second while a graceful stop goes on. True: httpd needs this child's place,
  // and the rest of the stop is Stop::soon. Thread: a reactor's, several at once.
  std::function<bool()> place_is_needed;
  detail::ChannelService* channels = nullptr;  // for handlers; outlives the runtime
  LoadNotes* load_notes = nullptr;             // see HandlerLibrary, as for the next
  CopyDirectory* copies = nullptr;
  std::atomic<std::uint64_t>* connections = nullptr;  // counted there, too, if given; outlives it
  Sheet* sheet = nullptr;  // where all children count, and this child's page of it; outlive it
  Page page;
  // Is told of each connection that was open and is not any more. Thread: its reactor's; it must not wait.
  std::function<void(Connection&)> ended;
};

class Runtime final : private SessionOwner {
 public:
  explicit Runtime(const RuntimeOptions& options);
  ~Runtime();

  // A session for a request that is about to be accepted, or null: WebSocketMaxConnections, or
  // for a blocking handler WebSocketBlockingThreads, is reached, or the child is stopping.
  // `why_not` then says which. Thread: any.
  std::unique_ptr<Session> make_session(std::unique_ptr<detail::RequestRecord> record,
                                        std::shared_ptr<const Handler> handler,
                                        std::string_view& why_not);

  // Has a thread look after the reactors, and after the threads of blocking handlers. Sessions that were given to
  // a reactor that is held up, and that it has not looked at, go to another, or are closed with 1013.
  // Once; raises system_error.
  void watch(WatchdogOptions options);

  // Gives an opened session to its reactor, which owns it from here on. Thread: any.
  void hand_over(std::unique_ptr<Session> session);

  HandlerLibrary& handlers() noexcept { return handlers_; }

  // Runs what handler files below `roots`, which outlive the runtime, have to do without a connection. `tell`
  // is told of each problem that is seen for the first time. Both functions: on any thread.
  void run_background(std::vector<const HandlerRoot*> roots, Work::Log log,
                      std::function<void(const Lookup&)> tell);

  // Connections that are asked about again; they and handlers ask on a few threads that are for nothing else.
  Rechecks& rechecks() noexcept { return rechecks_; }
  BlockingPool& question_pool() noexcept { return question_pool_; }

  Reactor& first_reactor() noexcept { return *reactors_.front(); }

  // Calls `function` with each reactor. Thread: the one that made the runtime.
  template <typename Function>
  void for_each_reactor(Function function) {
    for (auto& reactor : reactors_) function(*reactor);
  }
  std::size_t connections() const noexcept { return connections_.load(); }
  const PinnedMemory& memory() const noexcept { return memory_; }
  // What is counted for the child as a whole. Thread: any, by add_shared().
  ChildCount& count() noexcept { return options_.page.child ? *options_.page.child : *own_count_; }
  Stop stop() const noexcept { return stop_; }

  // Closes every connection with 1001, as the plan for the stop says. Connections are accepted on
  // while it is a graceful one. Only writes to eventfds: it may be called in a signal handler.
  // Thread: any.
  void begin_stop(Stop how) noexcept;

  // begin_stop(Stop::gracefully), and no connection is accepted any more. Thread: any.
  void retire() noexcept {
    retiring_ = true;
    begin_stop(Stop::gracefully);
  }

  // To be called when no connection can come any more. Waits until the reactors have ended, which
  // they do when every connection is gone or the plan's time is up; false if one does not even end
  // then. Only polls: prefork calls it inside a signal handler. Thread: the child's main thread.
  bool wait_stopped() noexcept;

 private:
  friend struct DebugLayout;  // httpd/child/debug_layout.cpp
  void session_gone(EventLoop& loop, const void* blocking_handler,
                    const detail::RequestRecord& record) noexcept override;
  void connection_ended(Connection& connection) noexcept override;

  std::uint64_t count(int change) noexcept;
  // Counts a connection, or says why it may not be.
  std::string_view take_place(bool blocking) noexcept;

  Reactor* pick_reactor() noexcept;  // null: all are held up
  void rescue(WatchedLoop& stalled) noexcept;
  void count_blocking(const Handler& handler);
  void look_at_threads(Watchdog::Clock::time_point now);
  void show_memory() noexcept;
  std::string who_holds_threads();

  const RuntimeOptions options_;
  const std::unique_ptr<ChildCount> own_count_ = std::make_unique<ChildCount>();
  PinnedMemory memory_;
  std::uint64_t slowed_shown_ = 0, closed_shown_ = 0;  // the watchdog's
  std::atomic<std::uint64_t> connections_{0};
  std::atomic<std::uint64_t> most_connections_{0};  // at once, since the watchdog looked
  std::atomic<std::size_t> next_reactor_{0};
  std::atomic<std::uint64_t> next_id_{1};
  std::atomic<Stop> stop_{Stop::no};
  std::atomic<bool> retiring_{false};
  HandlerLibrary handlers_;
  BlockingPool connection_pool_;  // one thread per blocking connection
  BlockingPool call_pool_;        // run_blocking
  BlockingPool question_pool_;
  Rechecks rechecks_;
  std::vector<std::unique_ptr<Reactor>> reactors_;

  struct BlockingCount {
    std::string handler;
    std::size_t connections = 0;
  };
  std::mutex blocking_mutex_;
  std::map<const void*, BlockingCount> blocking_;  // GUARDED_BY(blocking_mutex_); by the handler's address
  WatchdogOptions watched_by_;
  IdleHeap idle_heap_;
  Watchdog::Clock::time_point told_of_threads_{};  // Thread: the watchdog's
  std::unique_ptr<Watchdog> watchdog_;
};

}  // namespace cppwebsocket::runtime
