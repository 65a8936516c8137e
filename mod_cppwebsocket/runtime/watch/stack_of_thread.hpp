// Asks another thread where it is. It answers in a signal handler, so what it waits for in the kernel may
// end early: sleep() and poll() do, sleep_for() and read() do not.
#pragma once

#include <span>
#include <string>

#include <sys/types.h>

namespace cppwebsocket::runtime {

struct StackSample {
  std::string subject;  // what it runs, as text_of(Subject) tells it
  std::string stack;    // "inner (file+0x12) < outer (file+0x34) < …"
};

class StackOfThread {
 public:
  // Takes a real-time signal that nobody has. Once, before there are other threads.
  static void install() noexcept;
  static int signal() noexcept;  // 0: none is installed

  // What `thread` of this process does; empty if it does not answer in `0.2 s`. Thread: one at a time.
  static StackSample ask(pid_t thread);
};

}  // namespace cppwebsocket::runtime
