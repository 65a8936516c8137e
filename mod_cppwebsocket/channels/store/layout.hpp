// How the shared memory looks. All of it is atomics: whoever dies, dies between two of them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include <pthread.h>

#include "channels/store/counters.hpp"

namespace cppwebsocket::channels::shared {

using Word = std::atomic<std::uint64_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == 8);

// A channel's newest message. Changed as one.
struct State {
  std::uint64_t offset = 0;
  std::uint64_t last = 0;  // a Location

  friend bool operator==(const State&, const State&) = default;
};

// A channel. `epoch` 0: free, or being changed by who holds the rare lock.
struct alignas(64) Entry {
  Word key[2];
  alignas(16) Word state[2];  // offset, last
  Word epoch;
  Word bound;    // messages << 32 | seconds
  Word leader;   // an origin; 0: none
  Word touched;  // seconds, steady clock
};
static_assert(sizeof(Entry) == 64);

// Positions in rings are words counted from the memory's beginning on; they never go back.
struct alignas(64) RingMarks {
  Word head;      // announced up to here
  Word reserved;  // being written up to here: what is a ring's length below is void
};

struct alignas(64) Seat {
  Word owner;     // claims so far << 32 | pid; pid 0: free
  Word origin;    // of the child that has it
  Word sleeping;  // bit per reactor
  RingMarks rings[2];
  alignas(64) ChildCounters counters;
};

constexpr unsigned quick = 0;  // rings: of channels without history, and all that has no offset
constexpr unsigned kept = 1;

struct alignas(64) Header {
  pthread_mutex_t rare;  // robust, shared: seats change hands, channels are made and forgotten
  std::uint64_t secret[2];
  Word used_seats;
  Word made;  // counts channels and epochs; GUARDED_BY(rare)
  Word overtaken, gaps, evicted, refused, reclaimed, channels;
  ChildCounters ended;  // of all children that are gone
  alignas(64) std::array<Word, (1 << 14) / 64> sleepers;  // bit per seat with a sleeping reactor
};

// Where a record is, in one word: seat and ring and position; or, with the top bit, that there is
// none, and since which change of the entry.
struct Location {
  unsigned seat;
  unsigned ring;
  std::uint64_t position;

  static constexpr std::uint64_t none = std::uint64_t{1} << 63;
  static constexpr std::uint64_t positions = (std::uint64_t{1} << 48) - 1;

  std::uint64_t packed() const noexcept {
    return std::uint64_t{seat} << 49 | std::uint64_t{ring} << 48 | (position & positions);
  }
  static Location of(std::uint64_t word) noexcept {
    return {static_cast<unsigned>(word >> 49 & 0x3fff), static_cast<unsigned>(word >> 48 & 1),
            word & positions};
  }
};

// The entry's offset and last, as one. Thread and process: any.
bool exchange_state(Entry& entry, State expected, State wanted) noexcept;
State load_state(const Entry& entry) noexcept;

// Holds the rare lock. After a holder's death it is simply free: all that it guards is changed in
// an order that leaves no harm.
class RareLock {
 public:
  explicit RareLock(Header& header) noexcept;
  // Gives up after `milliseconds`.
  RareLock(Header& header, int milliseconds) noexcept;
  ~RareLock();
  RareLock(const RareLock&) = delete;
  RareLock& operator=(const RareLock&) = delete;
  explicit operator bool() const noexcept { return held_; }

 private:
  void settle(int result) noexcept;
  pthread_mutex_t& mutex_;
  bool held_ = false;
};

}  // namespace cppwebsocket::channels::shared
