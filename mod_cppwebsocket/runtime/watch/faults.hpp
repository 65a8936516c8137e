// The signals that a thread's own fault raises.
#pragma once

#include <string_view>

#include <signal.h>

namespace cppwebsocket::runtime {

struct Fault {
  int signal;
  std::string_view name;
};
inline constexpr Fault faults[] = {{SIGSEGV, "SIGSEGV"},
                                   {SIGBUS, "SIGBUS"},
                                   {SIGFPE, "SIGFPE"},
                                   {SIGILL, "SIGILL"},
                                   {SIGABRT, "SIGABRT"}};

}  // namespace cppwebsocket::runtime
