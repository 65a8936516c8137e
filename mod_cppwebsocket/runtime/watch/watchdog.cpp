#include "runtime/watch/watchdog.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include <pthread.h>

#include "runtime/watch/crash_report.hpp"
#include "runtime/watch/stack_of_thread.hpp"
#include "runtime/watch/watched_thread.hpp"

namespace cppwebsocket::runtime {

namespace {

using std::chrono::milliseconds;

// With tenths.
std::string seconds(std::chrono::steady_clock::duration time) {
  const auto tenths = std::chrono::duration_cast<milliseconds>(time).count() / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

std::string text_of(const StackSample& sample) {
  if (sample.stack.empty()) return "it does not tell where";
  return sample.subject + "; stack: " + sample.stack;
}

}  // namespace

Watchdog::Watchdog(WatchdogOptions options, std::vector<WatchedLoop*> loops, Others others)
    : options_(std::move(options)), others_(std::move(others)) {
  for (WatchedLoop* each : loops) loops_.push_back({each});
}

Watchdog::~Watchdog() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Watchdog::start() {
  const sigset_t others = signals_of_others();
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, &others, &before);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Watchdog::Clock::duration Watchdog::interval() const noexcept {
  milliseconds shortest{1'000};
  for (const milliseconds each : {options_.warning, options_.timeout})
    if (each.count() != 0) shortest = std::min(shortest, each / 2);
  return std::max(shortest, milliseconds(20));
}

void Watchdog::run() {
  pthread_setname_np(pthread_self(), "watchdog");
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, interval(), [&] { return stopping_; })) {
    lock.unlock();
    try {
      look(Clock::now());
    } catch (const std::bad_alloc&) {  // at the next look
    }
    CrashReport::note_local_time();
    CrashReport::end_if_it_hangs();
    lock.lock();
  }
}

void Watchdog::look(Clock::time_point now) {
  // If this thread was late, too, the process or the machine stood still: no handler is to blame for that time.
  constexpr milliseconds late{500};
  Clock::duration lost{};
  if (last_look_ != Clock::time_point{} && now - last_look_ > interval() + late)
    lost = now - last_look_ - interval();
  last_look_ = now;
  for (Loop& loop : loops_) look_at(loop, now, lost);
  if (others_.look) others_.look(now);
}

void Watchdog::look_at(Loop& loop, Clock::time_point now, Clock::duration lost) {
  const Clock::time_point since = loop.watched->round_since();
  if (since != loop.since) {
    if (std::exchange(loop.is_stalled, false)) ends(loop);
    loop.since = since;
    loop.lost = {};
  }
  if (since == Clock::time_point{}) return;
  loop.lost += std::min(lost, now - since);
  loop.age = now - since - loop.lost;
  const Clock::duration least = options_.warning.count() != 0 ? options_.warning : options_.timeout;
  if (least.count() == 0 || loop.age < least) return;
  if (!std::exchange(loop.is_stalled, true)) begins(loop);
  if (others_.is_stalled) others_.is_stalled(*loop.watched);
  if (options_.timeout.count() != 0 && loop.age >= options_.timeout && !std::exchange(retired_, true))
    retire(loop);
}

void Watchdog::begins(Loop& loop) {
  loop.watched->stall_begins(loop.since);
  if (options_.warning.count() == 0 || !options_.tell) return;
  options_.tell(WatchNews::stalled,
                "an event thread has been held up for " + seconds(loop.age) +
                    ", and with it all of its connections, by " +
                    text_of(StackOfThread::ask(loop.watched->thread())));
}

void Watchdog::ends(Loop& loop) {
  loop.watched->stall_ends();
  if (options_.warning.count() != 0 && options_.tell)
    options_.tell(WatchNews::goes_on, "the event thread goes on that was held up for more than " + seconds(loop.age));
}

void Watchdog::retire(Loop& loop) {
  if (options_.tell)
    options_.tell(WatchNews::retires, "this child ends, because an event thread has been held up for " +
                                          seconds(loop.age) + " by " +
                                          text_of(StackOfThread::ask(loop.watched->thread())));
  if (options_.retire) options_.retire();
}

}  // namespace cppwebsocket::runtime
