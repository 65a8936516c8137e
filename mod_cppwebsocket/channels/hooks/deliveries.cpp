#include "channels/hooks/deliveries.hpp"

#include <algorithm>
#include <exception>
#include <ctime>
#include <utility>

#include "runtime/loop/blocking_pool.hpp"

namespace cppwebsocket::channels {

namespace {

constexpr std::chrono::milliseconds longest_nap{100};  // so that finish() need not wake anybody
constexpr std::chrono::seconds idle_time{10};

// What a second try may help against. Any other status is the application's last word.
bool may_pass(int status) noexcept { return status < 200 || status >= 500 || status == 408 || status == 425 || status == 429; }
bool is_taken(int status) noexcept { return status >= 200 && status < 300; }

}  // namespace

Deliveries::~Deliveries() {
  finishing_ = true;
  std::unique_lock lock(mutex_);
  changed_.notify_all();
  changed_.wait(lock, [this] { return threads_ == 0; });
}

void Deliveries::add(HookRequest&& request) noexcept {
  try {
    std::unique_lock lock(mutex_);
    if (waiting_ >= options_.most) {
      lock.unlock();
      options_.lost(request, "too many others wait");
      return;
    }
    queue_.emplace(Clock::now(), Delivery{std::move(request)});
    ++waiting_;
    if (idle_ == 0 && threads_ < options_.threads) {
      ++threads_;
      try {
        runtime::start_thread([this] { work(); });
      } catch (const std::exception&) {  // the others come to it, or the next begins
        --threads_;
      }
    }
    changed_.notify_one();
  } catch (const std::exception& error) {  // no memory
    options_.lost(request, error.what());
  }
}

void Deliveries::finish() noexcept {
  finishing_ = true;
  const timespec nap{0, 5'000'000};
  for (int i = 0; i < 200 && waiting_ != 0; ++i) ::nanosleep(&nap, nullptr);
}

void Deliveries::work() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (send_next(lock)) continue;
    if (queue_.empty() && finishing_) break;
    ++idle_;
    const auto time = queue_.empty() ? std::chrono::milliseconds(idle_time) : longest_nap;
    const bool woken = changed_.wait_for(lock, time) == std::cv_status::no_timeout;
    --idle_;
    if (queue_.empty() && !woken) break;
  }
  --threads_;
  changed_.notify_all();
}

// False: none is due.
bool Deliveries::send_next(std::unique_lock<std::mutex>& lock) {
  const auto first = queue_.begin();
  if (first == queue_.end() || (first->first > Clock::now() && !finishing_)) return false;
  Delivery next = std::move(first->second);
  queue_.erase(first);
  lock.unlock();
  HookResponse response;
  try {
    response = client_.post(next.request);
  } catch (const std::exception& error) {
    response.problem = error.what();
  }
  const std::string why = response.status == 0 ? response.problem : "answered with " + std::to_string(response.status);
  const bool again = may_pass(response.status) && ++next.tries < options_.tries && !finishing_;
  if (!again && !is_taken(response.status)) options_.lost(next.request, why);
  lock.lock();
  if (again) {
    const auto pause = options_.first_pause * (1u << std::min(next.tries - 1, 6u));
    queue_.emplace(Clock::now() + pause, std::move(next));
  } else {
    --waiting_;
  }
  return true;
}

}  // namespace cppwebsocket::channels
