// What each thread that runs handlers has: a note of what it runs, and a stack of its own for the signal
// handlers, so that a stack that has overflowed can be told of.
#pragma once

#include <optional>

#include <signal.h>

#include "runtime/watch/running.hpp"

namespace cppwebsocket::runtime {

class WatchedThread {
 public:
  // The calling thread's, made by its first call, which takes a memory mapping, and gone with the thread.
  // Only that call may raise std::bad_alloc.
  static WatchedThread& here();
  // The same, for a loop's thread, whose note is the loop's. To be called before here().
  static void here_runs(Running& running);
  // The calling thread's, or null. Async-signal-safe.
  static WatchedThread* find() noexcept;

  Running& running() noexcept { return *running_; }

  // Running::Turn of the calling thread, if that is one of these.
  class Turn {
   public:
    template <typename What>
    explicit Turn(const What& what) noexcept {
      if (WatchedThread* const thread = find()) turn_.emplace(thread->running(), what);
    }

   private:
    std::optional<Running::Turn> turn_;
  };

  ~WatchedThread();
  WatchedThread(const WatchedThread&) = delete;
  WatchedThread& operator=(const WatchedThread&) = delete;

 private:
  explicit WatchedThread(Running* running);

  Running own_;
  Running* const running_;
  void* stack_ = nullptr;  // null: the thread had one already
};

// What runs in a handler's thread for a connection, but for a loop's, which has its own note. `describe`
// is how to tell of one.
void describe_connections_by(Running::Describe describe) noexcept;

// All signals but those that tell of a fault of the thread itself, or ask it where it is: what a thread of
// this module blocks, because httpd's signals are for httpd's threads. A fault whose signal is blocked ends the
// process without a word.
sigset_t signals_of_others() noexcept;

}  // namespace cppwebsocket::runtime
