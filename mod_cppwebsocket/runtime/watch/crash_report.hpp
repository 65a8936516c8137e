// What is told of a fault on a thread that runs a handler, or in a handler's code on any thread: which
// handler, version, resource and connection, and the stack with names. Then comes what there was before,
// httpd's own way to end a child that has crashed.
//
// The lines go straight to a descriptor: after a crash nothing else can be relied on. No lock is taken, and what
// hangs all the same is ended by the watchdog (CrashReport::end_if_it_hangs): a report that hangs is worse than none.
#pragma once

#include <chrono>
#include <string_view>

namespace cppwebsocket::runtime {

class CrashReport {
 public:
  // SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and std::terminate of this process. `descriptor` stays open;
  // each line begins as httpd's error log has it, then `tag`, a literal. Once, before there are other
  // threads. Does nothing in a build with a sanitizer, which has its own reports.
  static void install(int descriptor, std::string_view tag) noexcept;

  // To be called now and then: what a report needs and must not find out itself.
  static void note_local_time() noexcept;
  // Ends the process, as the fault would have, if a report takes longer than two seconds.
  static void end_if_it_hangs() noexcept;
};

}  // namespace cppwebsocket::runtime
