#include "runtime/watch/watched_thread.hpp"

#include <atomic>
#include <new>

#include <pthread.h>
#include <sys/mman.h>

#include "runtime/watch/faults.hpp"
#include "runtime/watch/stack_of_thread.hpp"

namespace cppwebsocket::runtime {

namespace {

// A page that is not to be touched, and room for the kernel's frame (11 KiB where there is AVX-512), the
// unwinder and our texts. It costs memory only where it is used.
constexpr std::size_t guard = 4096;
constexpr std::size_t stack_size = 64 << 10;

std::atomic<Running::Describe> describe{nullptr};

// Not thread_local: that of a library that was loaded by dlopen may take memory at any access, which a
// signal handler must not.
pthread_key_t thread_key() noexcept {
  static const pthread_key_t key = [] {
    pthread_key_t made{};
    pthread_key_create(&made, [](void* thread) { delete static_cast<WatchedThread*>(thread); });
    return made;
  }();
  return key;
}

}  // namespace

void describe_connections_by(Running::Describe function) noexcept { describe = function; }

WatchedThread::WatchedThread(Running* running)
    : own_(describe), running_(running ? running : &own_) {
  stack_t before{};
  if (::sigaltstack(nullptr, &before) == 0 && (before.ss_flags & SS_DISABLE) == 0) return;
  void* const stack = ::mmap(nullptr, guard + stack_size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return;  // then an overflow is not told of
  stack_ = stack;
  ::mprotect(stack_, guard, PROT_NONE);
  stack_t own{};
  own.ss_sp = static_cast<char*>(stack_) + guard;
  own.ss_size = stack_size;
  ::sigaltstack(&own, nullptr);
}

WatchedThread::~WatchedThread() {
  if (!stack_) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
  ::munmap(stack_, guard + stack_size);
}

WatchedThread& WatchedThread::here() {
  WatchedThread* thread = find();
  if (!thread) {
    thread = new WatchedThread(nullptr);
    pthread_setspecific(thread_key(), thread);
  }
  return *thread;
}

void WatchedThread::here_runs(Running& running) {
  delete find();
  pthread_setspecific(thread_key(), nullptr);
  pthread_setspecific(thread_key(), new WatchedThread(&running));
}

WatchedThread* WatchedThread::find() noexcept {
  return static_cast<WatchedThread*>(pthread_getspecific(thread_key()));
}

sigset_t signals_of_others() noexcept {
  sigset_t signals;
  sigfillset(&signals);
  for (const Fault& fault : faults) sigdelset(&signals, fault.signal);
  if (const int asks = StackOfThread::signal()) sigdelset(&signals, asks);
  return signals;
}

}  // namespace cppwebsocket::runtime
