#include "runtime/loop/blocking_pool.hpp"

#include <chrono>
#include <new>

#include <signal.h>

#include "runtime/watch/watched_thread.hpp"

namespace cppwebsocket::runtime {

void start_thread(std::function<void()> body) {
  const sigset_t others = signals_of_others();
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, &others, &before);
  try {
    std::thread([body = std::move(body)] {
      try {
        WatchedThread::here();
      } catch (const std::bad_alloc&) {  // then nobody can tell what it runs
      }
      body();
    }).detach();
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

BlockingPool::~BlockingPool() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return threads_ == 0; });
}

bool BlockingPool::reserve() noexcept {
  std::lock_guard lock(mutex_);
  if (reserved_ >= max_threads_) return false;
  if (++reserved_ == max_threads_) full_since_ = std::chrono::steady_clock::now();
  return true;
}

void BlockingPool::release() noexcept {
  std::lock_guard lock(mutex_);
  --reserved_;
  full_since_ = {};
}

std::chrono::steady_clock::time_point BlockingPool::full_since() const noexcept {
  std::lock_guard lock(mutex_);
  return full_since_;
}

void BlockingPool::run(std::function<void()> function) {
  std::lock_guard lock(mutex_);
  if (idle_ <= queue_.size() && threads_ < max_threads_) {
    start_thread([this] { work(); });
    ++threads_;
  }
  queue_.push_back(std::move(function));
  changed_.notify_one();
}

void BlockingPool::work() {
  constexpr std::chrono::seconds idle_time{10};
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    const bool woken =
        changed_.wait_for(lock, idle_time, [&] { return !queue_.empty() || stopping_; });
    --idle_;
    if (queue_.empty()) {
      if (!woken || stopping_) break;
      continue;
    }
    auto function = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    function();
    function = nullptr;
    lock.lock();
  }
  --threads_;
  changed_.notify_all();
}

}  // namespace cppwebsocket::runtime
