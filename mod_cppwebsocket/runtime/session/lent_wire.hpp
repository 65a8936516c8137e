// Whose turn it is to write on a blocking handler's connection: its session's, on the loop's
// thread, or a thread's of the handler, which then needs no hand-over. The session lends the wire
// when it has nothing to write itself, and takes it back before it does anything else than receive
// messages.
#pragma once

#include <atomic>
#include <cassert>
#include <utility>

#include "protocol/frames/output.hpp"

namespace cppwebsocket::runtime {

class LentWire {
 public:
  // --- Thread: the session's -----------------------------------------------------------------

  void lend() noexcept { state_.store(State::lent, std::memory_order_release); }

  // Waits for a thread that is just writing, but not for its next message. Puts what the kernel did
  // not take into `rest`, which is empty.
  void take_back(protocol::Output& rest) noexcept {
    State state = state_.load(std::memory_order_acquire);
    for (;;) {
      assert(state != State::taken);
      const State next = state == State::writing ? State::claimed : State::taken;
      if (state_.compare_exchange_weak(state, next, std::memory_order_acq_rel)) break;
    }
    if (state == State::writing)
      while (state_.load(std::memory_order_acquire) == State::claimed)
        state_.wait(State::claimed, std::memory_order_acquire);
    if (!rest_.empty()) rest = std::exchange(rest_, {});
  }

  // --- Thread: any ---------------------------------------------------------------------------

  // True: the wire is the caller's until end_write().
  bool begin_write() noexcept {
    State expected = State::lent;
    return state_.compare_exchange_strong(expected, State::writing, std::memory_order_acquire);
  }

  // `rest` is what the kernel did not take. True if the session has to be told to go on with it;
  // nobody else writes until it has.
  bool end_write(protocol::Output& rest) noexcept {
    const bool unfinished = !rest.empty();
    if (unfinished) rest_ = std::move(rest);
    State state = State::writing;
    if (state_.compare_exchange_strong(state, unfinished ? State::unfinished : State::lent,
                                       std::memory_order_acq_rel))
      return unfinished;
    state_.store(State::taken, std::memory_order_release);  // it was claimed
    state_.notify_one();
    return false;
  }

 private:
  enum class State : int {
    taken,       // the session's
    lent,        // whose comes first
    writing,     // a thread's
    claimed,     // still, and then the session's, which waits
    unfinished,  // the session's, as soon as it takes it back
  };

  std::atomic<State> state_{State::taken};
  protocol::Output rest_;  // in the hands of whoever may write
};

}  // namespace cppwebsocket::runtime
