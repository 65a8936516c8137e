// Threads for what blocks. They are started when needed, up to a limit, and end when idle.
// Thread: any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace cppwebsocket::runtime {

class BlockingPool {
 public:
  explicit BlockingPool(std::size_t max_threads) noexcept : max_threads_(max_threads) {}
  ~BlockingPool();  // waits for what runs
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Takes one of max_threads places for a long stay, or says that none is left. A place is for
  // one run() at a time, so that this never queues behind others.
  bool reserve() noexcept;
  void release() noexcept;
  // Since when all places have been taken; the clock's zero: they are not.
  std::chrono::steady_clock::time_point full_since() const noexcept;

  // Runs `function`, which must not throw, on a thread of the pool; waits in line if all are busy.
  void run(std::function<void()> function);

 private:
  void work();

  const std::size_t max_threads_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;  // GUARDED_BY(mutex_), as all below
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
  std::size_t reserved_ = 0;
  std::chrono::steady_clock::time_point full_since_{};
  bool stopping_ = false;
};

// Starts a detached thread with httpd's signals blocked (signals_of_others).
void start_thread(std::function<void()> body);

}  // namespace cppwebsocket::runtime
