// What each client has of the whole httpd: a table in memory of fixed size that all children share, and
// that outlasts graceful restarts.
//
// A child counts what its own connections take, in entries of its own, and adds up those of all children that
// live. So nothing has to be given back for one that was killed: its entries count for nothing, and others take
// their places. Rates belong to nobody: one word, in which each of them moves the time on at which the client
// will have used up what it had (GCRA).
//
// Other children may write anything there at any time. Nothing in it is followed: the worst that can be read is
// a wrong number. Where there is no room for another client, it is let in and not counted.
// Thread: any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>

namespace cppwebsocket::runtime {

// Whose, and by which rule. Made with a secret, so that nobody can choose names that get into each other's way.
struct LimitKey {
  std::uint64_t hash = 0;
};

// So many in any time of this length, all of them at once if nothing was before.
struct LimitRate {
  std::uint32_t count = 0;
  std::chrono::nanoseconds time{};
};

class LimitTable {
 public:
  static constexpr unsigned most_seats = 1 << 14;

  // In `memory`, aligned to 64 bytes, all zero when it was made, and at least least_bytes(seats). This child's
  // seat is one of `seats`, and nobody else's as long as it lives; `is_alive` says whether somebody has a seat.
  LimitTable(std::span<std::byte> memory, unsigned seats, unsigned seat, std::function<bool(unsigned)> is_alive);
  static std::size_t least_bytes(unsigned seats) noexcept;

  // `rule` and `client` are any bytes.
  LimitKey key(std::string_view rule, std::string_view client) const noexcept;

  enum class Scope : std::uint8_t { all_children, this_child };
  enum class Taken : std::uint8_t { yes, over, no_room };
  // One more of what a client may have `most` of. What is taken (yes) is to be given back once.
  Taken take(LimitKey key, std::uint32_t most, Scope scope, std::chrono::nanoseconds now) noexcept;
  void give_back(LimitKey key) noexcept;

  // What a client has in this child is so many now. False: no room, it is not counted. Not of a key that is taken and given back.
  bool set(LimitKey key, std::uint32_t count, std::chrono::nanoseconds now) noexcept;
  // What it has in all children that live; the kernel is asked about each that has some.
  std::uint64_t sum(LimitKey key) const noexcept;

  // One more of what may happen at a rate: none, it is counted; else it is not, and would be after that time.
  std::optional<std::chrono::nanoseconds> wait_for(LimitKey key, const LimitRate& rate,
                                                   std::chrono::nanoseconds now) noexcept;

  // Whether there was no room for a client; the first is true once in the life of the memory.
  bool is_first_without_room() noexcept;
  bool was_without_room() const noexcept;

  std::size_t entries() const noexcept { return buckets_ * ways; }

 private:
  static constexpr std::size_t ways = 8;  // of a bucket: two cache lines
  struct Entry {
    std::atomic<std::uint64_t> key;    // 0: free
    std::atomic<std::uint64_t> state;  // a count, or with its highest bit a time
  };
  struct Header {
    std::atomic<std::uint64_t> secret[2];
    std::atomic<std::uint64_t> used_seats;
    std::atomic<std::uint64_t> without_room;
  };
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

  std::uint64_t key_in(LimitKey key, unsigned seat) const noexcept;
  std::span<Entry> bucket(LimitKey key, unsigned place, unsigned choice) const noexcept;
  Entry* find(LimitKey key, unsigned place, std::uint64_t packed) const noexcept;
  Entry* claim(LimitKey key, unsigned place, std::uint64_t packed, std::uint64_t state,
               std::chrono::nanoseconds now) noexcept;
  bool is_free(const Entry& entry, std::chrono::nanoseconds now, bool ask) const noexcept;
  std::uint64_t others_have(LimitKey key, bool ask) const noexcept;
  std::uint16_t incarnation(unsigned seat) const noexcept;

  Header* header_;
  std::atomic<std::uint32_t>* incarnations_;  // of the seats: how often each was taken
  Entry* entries_;
  std::size_t buckets_;
  const unsigned seats_;
  const unsigned seat_;
  std::uint16_t own_incarnation_;
  std::uint64_t secret_[2];
  const std::function<bool(unsigned)> is_alive_;
  std::mutex mutex_;  // guards the entries of this child, which no other writes
};

}  // namespace cppwebsocket::runtime
