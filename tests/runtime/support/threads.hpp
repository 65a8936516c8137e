// For tests whose sessions are on threads of their own, with the system's clock.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <cppwebsocket/blocking_msgutil.hpp>

namespace cppwebsocket::testing {

// Waits up to 20 seconds.
inline bool eventually(const std::function<bool()>& done) {
  for (int i = 0; i < 20'000; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

// What threads have seen, in its order. A base of fixtures. Thread: any.
class Notes {
 public:
  void note(std::string what) {
    std::lock_guard lock(mutex_);
    seen_.push_back(std::move(what));
  }
  std::vector<std::string> seen() const {
    std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> seen_;  // GUARDED_BY(mutex_)
};

inline void blocking_echo(BlockingRequest& request) {
  while (auto message = msgutil::receive_message(request))
    msgutil::send_message(request, std::move(*message));
}

}  // namespace cppwebsocket::testing
