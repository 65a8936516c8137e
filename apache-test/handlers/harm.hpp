// What the two handlers share that do harm, as the client tells them: "spin 2000" and "sleep 2000"
// (milliseconds), and those that end a process.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

namespace harm {

[[gnu::noinline]] inline void spin_here(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

[[gnu::noinline]] inline void sleep_here(std::chrono::milliseconds time) {
  std::this_thread::sleep_for(time);
}

[[gnu::noinline]] inline void segv_here() {
  static int* volatile nowhere = nullptr;
  *nowhere = 1;
}

[[gnu::noinline]] inline int overflow_here(const volatile char* before) {
  volatile char room[4096];
  room[0] = before ? before[0] : 'x';
  return overflow_here(room) + room[0];
}

[[gnu::noinline]] inline void throw_here() { throw std::runtime_error("of no use"); }
[[gnu::noinline]] inline void terminate_here() noexcept { throw_here(); }

[[gnu::noinline]] inline void divide_here() {
  static volatile int nothing = 0;
  nothing = 1 / nothing;
}

[[gnu::noinline]] inline void do_harm(const std::string& what) {
  if (what == "segv") segv_here();
  if (what == "overflow") overflow_here(nullptr);
  if (what == "abort") std::abort();
  if (what == "terminate") terminate_here();
  if (what == "divide") std::raise(SIGFPE), divide_here();
  if (what == "thread") std::thread(segv_here).join();
  const std::size_t space = what.find(' ');
  if (space == what.npos) return;
  const std::chrono::milliseconds time(std::stoi(what.substr(space)));
  if (what.starts_with("spin")) spin_here(time);
  if (what.starts_with("sleep")) sleep_here(time);
}

}  // namespace harm
