// Looks once a second at what the loops of a process do, on a thread of its own. A round that takes longer than
// `warning` is told of once, with the stack, and told of again when it is over; one that takes longer than
// `timeout` has the process retired.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "runtime/watch/watched_loop.hpp"

namespace cppwebsocket::runtime {

enum class WatchNews : unsigned char {
  stalled,       // an event thread, since so long; what it does
  goes_on,       // it does again
  retires,       // the process, because a stall does not end
  threads_gone,  // no thread for blocking handlers has been free for so long
};

struct WatchdogOptions {
  std::chrono::milliseconds warning{2'000};  // 0: off
  std::chrono::milliseconds timeout{60'000};  // 0: off
  std::function<void(WatchNews, std::string_view)> tell;
  std::function<void()> retire;  // once
};

class Watchdog {
 public:
  using Clock = WatchedLoop::Clock;

  // For those who look with it. All on the watchdog's thread.
  struct Others {
    std::function<void(WatchedLoop&)> is_stalled;  // at each look, while it is
    std::function<void(Clock::time_point)> look;   // at each look
  };

  Watchdog(WatchdogOptions options, std::vector<WatchedLoop*> loops, Others others);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void start();                      // its thread
  void look(Clock::time_point now);  // what that does each time; for tests, without it

 private:
  struct Loop {
    WatchedLoop* watched;
    Clock::time_point since{};  // of the round that it was in at the last look
    Clock::duration age{};      // of that
    Clock::duration lost{};     // of that, what is nobody's fault
    bool is_stalled = false;
  };
  void run();
  Clock::duration interval() const noexcept;
  void look_at(Loop& loop, Clock::time_point now, Clock::duration lost);
  void begins(Loop& loop);
  void ends(Loop& loop);
  void retire(Loop& loop);

  const WatchdogOptions options_;
  std::vector<Loop> loops_;
  const Others others_;
  Clock::time_point last_look_{};
  bool retired_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // GUARDED_BY(mutex_)
  std::thread thread_;
};

}  // namespace cppwebsocket::runtime
