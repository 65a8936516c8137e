#include "channels/store/layout.hpp"

#include <cstring>

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
  State state;
  for (int left = most_tries; left > 0; --left) {
    state.offset = entry.state[0].load(std::memory_order_acquire);
    state.last = entry.state[1].load(std::memory_order_acquire);
    if (entry.state[0].load(std::memory_order_acquire) == state.offset) break;
  }
  return state;
}

}  // namespace cppwebsocket::channels::shared
