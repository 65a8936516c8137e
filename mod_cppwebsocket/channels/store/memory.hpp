// The memory that all children of one httpd share for their channels: a table of channels, and for
// each seat two rings, which only the child in that seat writes. Made by the parent before it
// forks; a child gets it by inheritance, with the object that describes it.
//
//   Header │ Seat × seats │ Entry × entries (a quarter) │ seat 0: quick ring, kept ring │ seat 1 …
//
// Records of channels with history go to the kept ring, so that a busy channel without one cannot
// push them out. Nothing is ever lost by a child's death, at any instant: see recover().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <sys/types.h>

#include "channels/store/layout.hpp"

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

  // Thread: any; for the parent, when a child is gone and reaped. Frees its seats and makes known
  // what it had published up to its death. If the lock cannot be had within 50 ms, the next who
  // looks for a seat does this.
  void child_exited(pid_t pid) noexcept;

  // --- for the other parts of the store
  // -----------------------------------------------------------

  // A lowest free seat for this process, or one whose process is gone; -1: none. Sets the seat's
  // origin. Thread: any.
  int claim(std::uint64_t origin) noexcept;
  void release(unsigned seat) noexcept;

  shared::Header& header() const noexcept { return *header_; }
  shared::Seat& seat(unsigned number) const noexcept { return seat_[number]; }
  shared::Entry* entries() const noexcept { return entries_; }
  std::size_t entry_count() const noexcept { return entry_count_; }
  // Those from here on were never claimed.
  unsigned used_seats() const noexcept;
  Ring ring(unsigned seat, unsigned part) const noexcept;
  std::size_t ring_words() const noexcept { return ring_words_; }
  int eventfd(unsigned seat) const noexcept { return eventfds_[seat]; }
  // Wakes the readers that sleep, of all seats or of one.
  void wake_all() const noexcept;
  void wake(unsigned seat) const noexcept;
  // Whether the child with this origin lives.
  bool is_alive(std::uint64_t origin) const noexcept;

 private:
  ChannelMemory() = default;
  void vacate(unsigned seat) noexcept;
  void free_seat(unsigned seat) noexcept;
  // Wakes everybody: a dead child may have crossed somebody off the list of sleepers in vain.
  void alarm() const noexcept;
  // Announces the record that the last child in `seat` had linked into its channel, if it died
  // before it could do so. With the rare lock.
  void recover(unsigned seat) noexcept;

  void* mapped_ = nullptr;
  std::size_t bytes_ = 0;
  unsigned seats_ = 0;
  std::size_t entry_count_ = 0;
  std::size_t ring_words_ = 0;
  shared::Header* header_ = nullptr;
  shared::Seat* seat_ = nullptr;
  shared::Entry* entries_ = nullptr;
  shared::Word* words_ = nullptr;
  std::vector<int> eventfds_;
};

}  // namespace cppwebsocket::channels
