// Fetches into the cache what is needed soon, and does not wait for it.
#pragma once

#include <cstddef>

namespace cppwebsocket::runtime {

// Any address will do, also a null one.
inline void prefetch(const void* bytes, std::size_t size) noexcept {
  constexpr std::size_t line = 64;
  for (std::size_t at = 0; at < size; at += line)
    __builtin_prefetch(static_cast<const char*>(bytes) + at);
}

}  // namespace cppwebsocket::runtime
