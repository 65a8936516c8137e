// Where in which file some code is, and what it is called. No lock and no memory are taken: dladdr() takes
// the dynamic linker's lock, which a thread inside dlopen holds, and knows only exported names, of which a
// handler has one. So the file's own table of symbols is read.
// Async-signal-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/watch/signal_text.hpp"

namespace cppwebsocket::runtime {

struct CodePlace {
  std::string_view path;    // as it was loaded; empty: no file has this code
  std::uintptr_t offset = 0;  // in the file's own addresses, for addr2line
  std::string_view function() const noexcept { return {name_buffer.data(), name_size}; }  // mangled; empty: unknown

  std::array<char, 512> name_buffer;
  std::size_t name_size = 0;
};

// `is_return`: it is where a call comes back to, so the call is what stands before it.
void find_code(const void* address, bool is_return, CodePlace& place) noexcept;

// Appends the function's name with the namespaces and classes that it is in, without arguments: of a name
// that is mangled in a way that this does not know, all of it.
void add_function_name(std::string_view mangled, SignalText& to) noexcept;

// "name (file+0x12)", or what of that is known.
void add_code_place(const CodePlace& place, const void* address, SignalText& to) noexcept;

}  // namespace cppwebsocket::runtime
