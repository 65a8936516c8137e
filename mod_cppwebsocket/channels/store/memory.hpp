// The memory that all children of one httpd share for their channels: a table of channels, and for
// each seat two rings, which only the child in that seat writes. Made by the parent before it
// forks; a child gets it by inheritance, with the object that describes it.
//
//   Header │ Seat × seats │ Entry × entries (a quarter) │ seat 0: quick ring, kept ring │ seat 1 …
//
// Records of channels with history go to the kept ring, so that a busy channel without one cannot
// push them out. Nothing is ever lost by a child's death, at any instant: see recover().
//
// Children do not run as root, and httpd's parent does: once it has forked it reads nothing of
// the mapping, writes there how many places httpd has (Header::places) and no more, locks nothing, and
// writes to no eventfd. What one child has written may cost the
// others their channels, and never their memory: every index, size and number of steps that comes
// from there is bounded by what this object knows by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "channels/store/layout.hpp"
#include "channels/store/locks.hpp"

namespace cppwebsocket::channels {

class Ring;

class ChannelMemory {
 public:
  static constexpr unsigned most_seats = 1 << 14;

  // The least that create() takes for so many seats, in bytes: 16 KiB a ring.
  static std::size_t least_bytes(unsigned seats) noexcept;

  // Maps `bytes` (rounded up to pages) for 1..most_seats children, and opens an eventfd for each.
  // The kernel gives pages as they are used. Raises system_error; invalid_argument for less than
  // least_bytes().
  static std::unique_ptr<ChannelMemory> create(std::size_t bytes, unsigned seats);

  // Unmaps it in this process and closes its eventfds. No store or reader may be left.
  ~ChannelMemory();
  ChannelMemory(const ChannelMemory&) = delete;
  ChannelMemory& operator=(const ChannelMemory&) = delete;

  std::size_t bytes() const noexcept { return bytes_; }
  unsigned seats() const noexcept { return seats_; }
  // Seats that somebody has now.
  unsigned taken_seats() const noexcept;

  // Frees the seats of children that are gone, and makes known what they had published up to their
  // death. Thread: any of a child.
  void free_dead_seats() noexcept;
  // The same, unless some child has done it in this second.
  void look_for_the_dead() noexcept;

  // --- for the other parts of the store
  // -----------------------------------------------------------

  // A lowest free seat for this process, when those of dead ones have been freed; -1: none. Sets the
  // seat's origin. Thread: any.
  int claim(std::uint64_t origin) noexcept;
  void release(unsigned seat) noexcept;

  shared::Header& header() const noexcept { return *header_; }
  shared::Seat& seat(unsigned number) const noexcept { return seat_[number]; }
  shared::Entry* entries() const noexcept { return entries_; }
  std::size_t entry_count() const noexcept { return entry_count_; }
  const std::uint64_t (&secret() const noexcept)[2] { return secret_; }
  ChannelLocks& locks() const noexcept { return locks_; }
  // Of all children, those that are gone included.
  std::uint64_t sum(Counter ChildCounters::*counter) const noexcept;
  // Those from here on were never claimed.
  unsigned used_seats() const noexcept;
  Ring ring(unsigned seat, unsigned part) const noexcept;
  std::size_t ring_words() const noexcept { return ring_words_; }
  // Of all rings: nobody reads more in one go.
  std::size_t all_words() const noexcept { return 2 * std::size_t{seats_} * ring_words_; }
  int eventfd(unsigned seat) const noexcept { return eventfds_[seat]; }
  // Wakes the readers that sleep, of all seats or of one.
  void wake_all() const noexcept;
  void wake(unsigned seat) const noexcept;
  // Where the child with this origin sits; a dead one does until its seat is freed.
  std::optional<unsigned> seat_of(std::uint64_t origin) const noexcept;
  // Whether it lives: asks the kernel.
  bool is_alive(std::uint64_t origin) const noexcept;

 private:
  explicit ChannelMemory(unsigned seats);
  void vacate(unsigned seat) noexcept;
  void free_dead_seats_locked() noexcept;
  void free_seat(unsigned seat) noexcept;
  // Wakes everybody: a dead child may have crossed somebody off the list of sleepers in vain.
  void alarm() const noexcept;
  // Announces the record that the last child in `seat` had linked into its channel, if it died
  // before it could do so.
  void recover(unsigned seat) noexcept;

  void* mapped_ = nullptr;
  std::size_t bytes_ = 0;
  const unsigned seats_;
  std::size_t entry_count_ = 0;
  std::size_t ring_words_ = 0;
  shared::Header* header_ = nullptr;
  shared::Seat* seat_ = nullptr;
  shared::Entry* entries_ = nullptr;
  shared::Word* words_ = nullptr;
  std::vector<int> eventfds_;
  std::uint64_t secret_[2] = {};  // of channel_key()
  mutable ChannelLocks locks_;
};

}  // namespace cppwebsocket::channels
