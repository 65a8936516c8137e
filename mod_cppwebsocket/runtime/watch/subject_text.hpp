// What reports have in common. Async-signal-safe.
#pragma once

#include <span>

#include "runtime/watch/running.hpp"
#include "runtime/watch/signal_text.hpp"

namespace cppwebsocket::runtime {

// "handler chat_wsh.so (2026-11-30T18:21:35Z) #12 /chat", or "no handler".
void add_subject(const Subject& subject, SignalText& to) noexcept;

// Of a signal handler's third argument: the instruction that was interrupted; null where that is not known.
void* interrupted_at(const void* context) noexcept;

// Where the interrupted function will return to, if a register has that; null otherwise. It counts where backtrace()
// ends at the interrupted instruction: on arm64 a jump to another library has nothing to be unwound by.
void* return_address_at(const void* context) noexcept;

// Which of what backtrace() gave in a signal handler is the interrupted one.
std::size_t first_frame(std::span<void* const> frames, const void* interrupted) noexcept;

}  // namespace cppwebsocket::runtime
