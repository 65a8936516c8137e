#include "runtime/watch/subject_text.hpp"

#include <ucontext.h>

namespace cppwebsocket::runtime {

void add_subject(const Subject& subject, SignalText& to) noexcept {
  if (subject.handler.empty()) {
    to.add("no handler");
    return;
  }
  to.add("handler ").add_escaped(subject.handler);
  if (!subject.version.empty()) to.add(" (").add(subject.version).add(")");
  if (subject.id != 0) to.add(" #").add_number(subject.id).add(" ").add_escaped(subject.resource);
}

void* interrupted_at([[maybe_unused]] const void* context) noexcept {
#if defined(__x86_64__)
  return reinterpret_cast<void*>(
      static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return reinterpret_cast<void*>(static_cast<const ucontext_t*>(context)->uc_mcontext.pc);
#else
  return nullptr;
#endif
}

void* return_address_at([[maybe_unused]] const void* context) noexcept {
#if defined(__aarch64__)
  return reinterpret_cast<void*>(static_cast<const ucontext_t*>(context)->uc_mcontext.regs[30]);
#else
  return nullptr;
#endif
}

std::size_t first_frame(std::span<void* const> frames, const void* interrupted) noexcept {
  for (std::size_t i = 0; i < frames.size(); ++i)
    if (frames[i] == interrupted) return i;
  constexpr std::size_t own = 2;  // the signal handler, and what the kernel returns to
  return frames.size() > own ? own : 0;
}

}  // namespace cppwebsocket::runtime
