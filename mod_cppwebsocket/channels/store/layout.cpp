#include "channels/store/layout.hpp"

#include <cerrno>
#include <cstring>

#include <unistd.h>

#ifndef __GCC_HAVE_SYNC_COMPARE_AND_SWAP_16
#error "channels need a 16-byte compare-and-swap: on x86-64 compile with -mcx16"
#endif

namespace cppwebsocket::channels::shared {

namespace {

__extension__ typedef unsigned __int128 Both;

Both both(State state) noexcept {
  Both bits;
  static_assert(sizeof bits == sizeof state);
  std::memcpy(&bits, &state, sizeof bits);
  return bits;
}

}  // namespace

bool exchange_state(Entry& entry, State expected, State wanted) noexcept {
  return __sync_bool_compare_and_swap(reinterpret_cast<Both*>(&entry.state), both(expected),
                                      both(wanted));
}

// Without the cost of a 16-byte exchange: while the offset stays, so does what goes with it. Only
// when a channel begins anew it goes back, and then the epoch changes, too, which find() checks.
State load_state(const Entry& entry) noexcept {
  for (;;) {
    State state;
    state.offset = entry.state[0].load(std::memory_order_acquire);
    state.last = entry.state[1].load(std::memory_order_acquire);
    if (entry.state[0].load(std::memory_order_acquire) == state.offset) return state;
  }
}

RareLock::RareLock(Header& header) noexcept : mutex_(header.rare) {
  settle(::pthread_mutex_lock(&mutex_));
}

// Tries, and does not wait in the kernel: ThreadSanitizer does not know that a timed lock may be had
// from a dead owner.
RareLock::RareLock(Header& header, int milliseconds) noexcept : mutex_(header.rare) {
  for (settle(::pthread_mutex_trylock(&mutex_)); !held_ && milliseconds > 0; --milliseconds) {
    ::usleep(1'000);
    settle(::pthread_mutex_trylock(&mutex_));
  }
}

RareLock::~RareLock() {
  if (held_) ::pthread_mutex_unlock(&mutex_);
}

void RareLock::settle(int result) noexcept {
  if (result == EOWNERDEAD) result = ::pthread_mutex_consistent(&mutex_);
  held_ = result == 0;
}

}  // namespace cppwebsocket::channels::shared
