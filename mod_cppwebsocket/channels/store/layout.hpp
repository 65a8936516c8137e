// How the shared memory looks. All of it is atomics: whoever dies, dies between two of them. None of it
// is a pointer or a lock, and whoever reads takes each word for something that anybody may have written.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "channels/store/counters.hpp"

namespace cppwebsocket::channels::shared {

using Word = std::atomic<std::uint64_t>;
using HalfWord = std::atomic<std::uint32_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == 8);
static_assert(HalfWord::is_always_lock_free && sizeof(HalfWord) == 4);

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
  // Seconds, steady clock: when it was published to or made, and when it was last known to have members.
  HalfWord touched;
  HalfWord followed;  // 0: it never was
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
  // Of the child, for those that need its place in httpd (httpd/child/place.hpp).
  Word generation;  // of httpd's configuration, and 1; 0: not known yet
  Word leaving;     // 1: takes no new connections
  Word told;        // ms, steady clock: when it was told to make room; 0: it was not
  Word door;        // its socket for questions, as httpd/child/door.cpp packs its name; 0: none
  RingMarks rings[2];
  alignas(64) ChildCounters counters;
};

constexpr unsigned quick = 0;  // rings: of channels without history, and all that has no offset
constexpr unsigned kept = 1;

struct alignas(64) Header {
  Word used_seats;
  Word made;    // counts channels and epochs, with the rare lock
  Word looked;  // seconds, steady clock: when it was last looked for dead children
  Word places;  // that httpd has for children; 0: not known
  Word spare_places;
  Word overtaken, gaps, evicted, refused, reclaimed, channels;
  ChildCounters ended;  // of all children that are gone
  alignas(64) std::array<Word, (1 << 14) / 64> sleepers;  // bit per seat with a sleeping reactor
};

// Where a record is, in one word: seat and ring and position; or, with the top bit, that there is
// none, and since which change of the entry. With the next bit there was one, which has been deleted.
struct Location {
  unsigned seat;
  unsigned ring;
  std::uint64_t position;

  static constexpr std::uint64_t none = std::uint64_t{1} << 63;
  static constexpr std::uint64_t deleted = none | none >> 1;
  static constexpr std::uint64_t positions = (std::uint64_t{1} << 48) - 1;

  std::uint64_t packed() const noexcept {
    return std::uint64_t{seat} << 49 | std::uint64_t{ring} << 48 | (position & positions);
  }
  static Location of(std::uint64_t word) noexcept {
    return {static_cast<unsigned>(word >> 49 & 0x3fff), static_cast<unsigned>(word >> 48 & 1),
            word & positions};
  }
  // Whether the channel begins here.
  static bool is_beginning(std::uint64_t word) noexcept { return (word & deleted) == none; }
};

// How often anything is tried that fails only while others succeed. So often in turn means that
// somebody does nothing else.
constexpr int most_tries = 1'000;

// The entry's offset and last, as one. What load_state() gives if it never saw it
// unchanged fails in exchange_state(). Thread and process: any.
bool exchange_state(Entry& entry, State expected, State wanted) noexcept;
State load_state(const Entry& entry) noexcept;

}  // namespace cppwebsocket::channels::shared
