#include "runtime/support/no_memory.hpp"

#include <cstdlib>
#include <new>

namespace {
constinit thread_local bool none = false;
}

void cppwebsocket::testing::NoMemory::set(bool value) noexcept { none = value; }

// The sanitizers bring their own; replaced like this, theirs is only missing the mismatch of new and free.
void* operator new(std::size_t size) {
  void* const memory = none ? nullptr : std::malloc(size == 0 ? 1 : size);
  if (!memory) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
