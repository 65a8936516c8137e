#include "runtime/watch/stack_of_thread.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include <execinfo.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/watch/code_place.hpp"
#include "runtime/watch/subject_text.hpp"
#include "runtime/watch/watched_thread.hpp"

namespace cppwebsocket::runtime {

namespace {

enum class State : int { idle, asked, answering, answered };

// In static memory, because a thread that is late answers when nobody waits any more.
struct Answer {
  std::atomic<State> state{State::idle};
  std::atomic<pid_t> wanted{0};  // whose answer
  std::array<void*, 40> frames;
  int count = 0;
  void* interrupted = nullptr;
  SignalText subject;
};
Answer answer;
std::atomic<int> the_signal{0};

void on_signal(int, siginfo_t*, void* context) noexcept {
  const int error = errno;
  State asked = State::asked;
  if (answer.wanted != ::syscall(SYS_gettid) ||
      !answer.state.compare_exchange_strong(asked, State::answering))
    return;
  answer.count = ::backtrace(answer.frames.data(), static_cast<int>(answer.frames.size()));
  answer.interrupted = interrupted_at(context);
  const auto count = static_cast<std::size_t>(std::max(answer.count, 0));
  void* const caller = return_address_at(context);
  if (caller && count > 0 && count < answer.frames.size() && answer.frames[count - 1] == answer.interrupted)
    answer.frames[static_cast<std::size_t>(answer.count++)] = caller;
  answer.subject.clear();
  WatchedThread* const thread = WatchedThread::find();
  add_subject(thread ? thread->running().subject() : Subject{}, answer.subject);
  errno = error;
  answer.state = State::answered;
}

bool wait_for_answer() {
  using namespace std::chrono;
  const auto end = steady_clock::now() + milliseconds(200);
  while (answer.state != State::answered) {
    if (steady_clock::now() >= end) {
      State asked = State::asked;
      if (answer.state.compare_exchange_strong(asked, State::idle)) return false;
    }
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

}  // namespace

void StackOfThread::install() noexcept {
  void* first[1];
  ::backtrace(first, 1);  // loads what it needs, which it must not do in a signal handler
  for (int each = SIGRTMIN + 1; each <= SIGRTMAX; ++each) {
    struct sigaction action {};
    if (::sigaction(each, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
    action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    if (::sigaction(each, &action, nullptr) == 0) the_signal = each;
    return;
  }
}

int StackOfThread::signal() noexcept { return the_signal.load(std::memory_order_relaxed); }

StackSample StackOfThread::ask(pid_t thread) {
  StackSample sample;
  State idle = State::idle;
  if (signal() == 0 || answer.state != State::idle) return sample;
  answer.wanted = thread;
  if (!answer.state.compare_exchange_strong(idle, State::asked)) return sample;
  if (::syscall(SYS_tgkill, ::getpid(), thread, signal()) != 0) {
    answer.state = State::idle;
    return sample;
  }
  if (!wait_for_answer()) return sample;
  sample.subject = answer.subject.view();
  const auto frames = std::span(answer.frames).first(static_cast<std::size_t>(std::max(answer.count, 0)));
  for (std::size_t i = first_frame(frames, answer.interrupted); i < frames.size(); ++i) {
    SignalText text;
    CodePlace place;
    find_code(frames[i], frames[i] != answer.interrupted, place);
    add_code_place(place, frames[i], text);
    constexpr std::size_t enough = 3000;  // httpd cuts a line at 8192
    if (sample.stack.size() > enough) break;
    sample.stack.append(sample.stack.empty() ? "" : " < ").append(text.view());
  }
  answer.state = State::idle;
  return sample;
}

}  // namespace cppwebsocket::runtime
