// Looks through a shared object before the dynamic linker does. That one believes what the file
// says: one that is not whole, as it is while it is being written or when a disk is full, ends the
// process with a signal. ELF: System V gABI, chapters 4 and 5.
#pragma once

#include <span>
#include <string_view>

namespace cppwebsocket::runtime {

// What is wrong with `file`, all of it; empty if nothing was found. It finds what is missing or
// still zero in all that dlopen() and dlsym() use, and in code; not every forgery. Any thread.
std::string_view problem_of_object(std::span<const char> file) noexcept;

}  // namespace cppwebsocket::runtime
