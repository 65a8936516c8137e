// Which vector instructions this program may use: SSE2 wherever it runs on x86-64, and AVX2 where
// the CPU it runs on has it.
#pragma once

// Define it as 0 to build what other processors get.
#ifndef CPPWEBSOCKET_X86
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define CPPWEBSOCKET_X86 1
#else
#define CPPWEBSOCKET_X86 0
#endif
#endif

namespace cppwebsocket::protocol {

// A look at a variable that the compiler's start-up code has filled; cheap enough for each call.
inline bool has_avx2() noexcept {
#if CPPWEBSOCKET_X86
  return __builtin_cpu_supports("avx2");
#else
  return false;
#endif
}

}  // namespace cppwebsocket::protocol
