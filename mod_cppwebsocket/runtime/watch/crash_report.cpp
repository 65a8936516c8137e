#include "runtime/watch/crash_report.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <iterator>
#include <span>
#include <typeinfo>

#include <cxxabi.h>
#include <execinfo.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/watch/code_place.hpp"
#include "runtime/watch/faults.hpp"
#include "runtime/watch/subject_text.hpp"
#include "runtime/watch/watched_thread.hpp"

namespace cppwebsocket::runtime {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CPPWEBSOCKET_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define CPPWEBSOCKET_SANITIZED
#endif
#endif

constexpr std::int64_t longest_report = 2;  // seconds
constexpr std::size_t most_frames = 40;
constexpr int shown_frames = 24;

// All of it is written before there are other threads, or by one thread that reports.
int log_descriptor = -1;
std::string_view line_tag;
std::array<struct sigaction, std::size(faults)> former;
std::terminate_handler former_terminate = nullptr;
std::atomic<std::int64_t> local_offset{0};
std::atomic<pid_t> reporter{0};           // the thread that does
std::atomic<std::int64_t> began_at{0};    // seconds; 0: no report goes on
std::atomic<int> reported_signal{0};
std::atomic<pid_t> terminating{0};        // the thread whose std::terminate is to be told of
SignalText terminate_text;
SignalText line;

pid_t thread_id() noexcept { return static_cast<pid_t>(::syscall(SYS_gettid)); }

std::int64_t uptime() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + 1;  // never 0
}

// As httpd's ErrorLogFormat is by default.
SignalText& begin_line() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  line.clear();
  line.add("[").add_time(now.tv_sec, now.tv_nsec / 1000, local_offset).add("] [cppwebsocket:crit] [pid ");
  line.add_number(static_cast<std::uint64_t>(::getpid())).add(":tid ");
  return line.add_number(static_cast<std::uint64_t>(thread_id())).add("] ").add(line_tag).add(": ");
}

bool is_of_handler(const CodePlace& place) noexcept {
  return place.path.substr(place.path.rfind('/') + 1).find("_wsh.") != std::string_view::npos;
}

// Whose thread is not ours, such as one that a handler has started, is told of if a handler's code is on
// its stack.
bool concerns_us(std::span<void* const> frames) noexcept {
  if (WatchedThread::find()) return true;
  CodePlace place;
  for (void* const frame : frames) {
    find_code(frame, true, place);
    if (is_of_handler(place)) return true;
  }
  return false;
}

void tell_of_fault(const Fault& fault, const siginfo_t& signal) noexcept {
  begin_line().add(fault.name);
  if (fault.signal != SIGABRT && signal.si_code > 0)
    line.add(" at ").add_hex(reinterpret_cast<std::uintptr_t>(signal.si_addr));
  else if (signal.si_code <= 0 && signal.si_pid != ::getpid())
    line.add(", sent by process ").add_number(static_cast<std::uint64_t>(signal.si_pid));
  if (terminating == thread_id()) line.add(" (").add_escaped(terminate_text.view()).add(")");
  line.add(" in ");
  WatchedThread* const thread = WatchedThread::find();
  if (thread)
    add_subject(thread->running().subject(), line);
  else
    line.add("a thread of httpd's or one that a handler has started");
  line.write_line(log_descriptor);
}

void tell_of_stack(std::span<void* const> frames, const void* interrupted) noexcept {
  CodePlace place;
  std::size_t i = first_frame(frames, interrupted);
  for (int number = 0; i < frames.size() && number < shown_frames; ++i, ++number) {
    find_code(frames[i], frames[i] != interrupted, place);
    begin_line().add("  ").add_number(static_cast<std::uint64_t>(number)).add(": ");
    add_code_place(place, frames[i], line);
    line.write_line(log_descriptor);
  }
  if (i < frames.size()) begin_line().add("  …").write_line(log_descriptor);
}

void report(const Fault& fault, const siginfo_t& signal, const void* context) noexcept {
  std::array<void*, most_frames> frames;
  const int count = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  const auto all = std::span(frames).first(static_cast<std::size_t>(count > 0 ? count : 0));
  if (!concerns_us(all)) return;
  tell_of_fault(fault, signal);
  tell_of_stack(all, interrupted_at(context));
}

// Of two threads that crash one is told of; the other gives it time.
void report_once(const Fault& fault, const siginfo_t& signal, const void* context) noexcept {
  pid_t nobody = 0;
  if (reporter.compare_exchange_strong(nobody, thread_id())) {
    reported_signal = fault.signal;
    began_at = uptime();
    report(fault, signal, context);
    began_at = 0;
  } else if (nobody != thread_id()) {
    for (int i = 0; i < 20 && began_at != 0; ++i) {
      const timespec pause{0, 100'000'000};
      ::nanosleep(&pause, nullptr);
    }
  }
}

// The instruction is executed again once this returns, and a signal that was sent is not.
void pass_on(const struct sigaction& action, int number, siginfo_t* signal, void* context) noexcept {
  if ((action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction) return action.sa_sigaction(number, signal, context);
  if (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN) return action.sa_handler(number);
  struct sigaction by_default {};
  ::sigaction(number, &by_default, nullptr);
  if (signal->si_code <= 0) ::syscall(SYS_tgkill, ::getpid(), thread_id(), number);
}

void on_fault(int number, siginfo_t* signal, void* context) noexcept {
  for (std::size_t i = 0; i < std::size(faults); ++i) {
    if (faults[i].signal != number) continue;
    report_once(faults[i], *signal, context);
    pass_on(former[i], number, signal, context);
  }
}

// Not in a signal handler, but it may be the memory itself that is broken: so little is done here.
[[noreturn]] void on_terminate() noexcept {
  pid_t nobody = 0;
  if (WatchedThread::find() && terminating.compare_exchange_strong(nobody, thread_id())) {
    terminate_text.add("std::terminate");
    if (const std::type_info* const type = abi::__cxa_current_exception_type()) {
      terminate_text.add(" after ");
      SignalText mangled;
      mangled.add("_Z").add(type->name());
      add_function_name(mangled.view(), terminate_text);
      try {
        throw;
      } catch (const std::exception& error) {
        terminate_text.add(": ").add(std::string_view(error.what()).substr(0, 512));
      } catch (...) {
      }
    }
    std::abort();  // the former would say the same once more
  }
  if (former_terminate) former_terminate();
  std::abort();
}

}  // namespace

void CrashReport::install([[maybe_unused]] int descriptor, [[maybe_unused]] std::string_view text) noexcept {
#ifndef CPPWEBSOCKET_SANITIZED
  log_descriptor = descriptor;
  line_tag = text;
  note_local_time();
  WatchedThread::find();  // makes what it needs
  void* first[1];
  ::backtrace(first, 1);  // the first one takes memory
  for (std::size_t i = 0; i < std::size(faults); ++i) {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    ::sigaction(faults[i].signal, &action, &former[i]);
  }
  former_terminate = std::set_terminate(on_terminate);
#endif
}

void CrashReport::note_local_time() noexcept {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  if (::localtime_r(&now, &local)) local_offset = local.tm_gmtoff;
}

void CrashReport::end_if_it_hangs() noexcept {
  const std::int64_t began = began_at;
  if (began == 0 || uptime() - began <= longest_report) return;
  struct sigaction by_default {};
  ::sigaction(reported_signal, &by_default, nullptr);
  ::syscall(SYS_tgkill, ::getpid(), thread_id(), reported_signal.load());
}

}  // namespace cppwebsocket::runtime
