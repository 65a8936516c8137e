// Events that an application is told of afterwards: each until it has been taken, with the same id, so that who gets it
// twice knows. At most `most` wait, and each for so many tries; what is given up is counted. A few threads send them,
// which are there while there is something to send. Thread: any.
#pragma once

#include "channels/hooks/http_client.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace cppwebsocket::channels {

struct DeliveryOptions {
  std::size_t most = 10'000;
  unsigned tries = 8;
  std::chrono::milliseconds first_pause{1'000};  // then twice as long each time
  std::size_t threads = 4;
  // Is told of each that is given up, why. Raises nothing.
  std::function<void(const HookRequest&, const std::string& why)> lost;
};

class Deliveries {
 public:
  Deliveries(HttpClient& client, DeliveryOptions options) : client_(client), options_(std::move(options)) {}
  ~Deliveries();
  Deliveries(const Deliveries&) = delete;
  Deliveries& operator=(const Deliveries&) = delete;

  void add(HookRequest&& request) noexcept;

  // The process ends: what waits is tried once more, for a second at most. Takes no lock and no memory.
  void finish() noexcept;

  std::size_t waiting() const noexcept { return waiting_; }  // those being sent included

 private:
  using Clock = std::chrono::steady_clock;
  struct Delivery {
    HookRequest request;
    unsigned tries = 0;
  };

  void work() noexcept;
  bool send_next(std::unique_lock<std::mutex>& lock);

  HttpClient& client_;
  const DeliveryOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<Clock::time_point, Delivery> queue_;  // by when; GUARDED_BY(mutex_), as the next
  std::size_t threads_ = 0, idle_ = 0;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<bool> finishing_{false};
};

}  // namespace cppwebsocket::channels
