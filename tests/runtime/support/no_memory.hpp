// No memory for this thread: from now on, until it goes or the thread ends, operator new raises.
#pragma once

namespace cppwebsocket::testing {

struct NoMemory {
  NoMemory() noexcept { set(true); }
  ~NoMemory() { set(false); }
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;

  static void set(bool none) noexcept;
};

}  // namespace cppwebsocket::testing
