// Requests that publish, by the key that their client has given them: so that a retry publishes nothing, and
// gets what the first was answered (draft-ietf-httpapi-idempotency-key-header). A table in memory of fixed size that all
// children share and that outlasts graceful restarts, beside the channels' memory.
//
// Each bucket has a lock, which is one word that says whose it is; a child that dies while it has one loses it to whoever
// comes next, and whatever it was doing then leaves an entry whole or free. Other children may write anything there at
// any time: the worst that can be read is a wrong answer, or none.
// Thread: any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <cppwebsocket/position.hpp>

#include "channels/store/key.hpp"
#include "channels/store/memory.hpp"

namespace cppwebsocket::channels {

class IdempotencyTable {
  struct Entry;

 public:
  // A key is remembered for so long, unless there are too many.
  static constexpr std::chrono::seconds lifetime{600};

  // In `table`, aligned to 64 bytes, all zero when it was made. `origin` is this child's, which has a seat in `memory`.
  // Both outlive the object. Raises invalid_argument for less than a bucket.
  IdempotencyTable(std::span<std::byte> table, const ChannelMemory& memory, std::uint64_t origin);

  enum class Outcome : std::uint8_t {
    first,          // do it, and finish()
    repeated,       // it was done, and answered so
    in_progress,    // another is doing it
    other_request,  // the key was given to another request
    no_room,        // the keys that would make room belong to requests in progress, or somebody holds the bucket
  };

  struct Answer {
    Position position;
    std::uint64_t members = 0;

    friend bool operator==(const Answer&, const Answer&) = default;
  };

  // One request. One that was the first, and is not finished, was in vain: the next is the first again.
  class Attempt {
   public:
    ~Attempt();
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    Outcome outcome() const noexcept { return outcome_; }
    const Answer& answer() const noexcept { return answer_; }  // of who is `repeated`
    void finish(const Answer& answer) noexcept;

   private:
    friend IdempotencyTable;
    explicit Attempt(Outcome outcome) noexcept : outcome_(outcome) {}
    explicit Attempt(const Answer& answer) noexcept : outcome_(Outcome::repeated), answer_(answer) {}
    Attempt(Entry& entry, const ChannelKey& key) noexcept : entry_(&entry), key_(key), outcome_(Outcome::first) {}

    Entry* entry_ = nullptr;  // which nobody else changes while it is in progress
    ChannelKey key_;
    Outcome outcome_;
    Answer answer_;
  };

  // `name`: the key with whose it is, and what it is for. `request`: what is asked, in any bytes. Of a child that has died
  // while it was doing it nobody knows whether it was done: the next is the first again.
  Attempt begin(std::string_view name, std::string_view request, std::chrono::nanoseconds now) noexcept;

  std::size_t entries() const noexcept { return buckets_.size() * ways; }

 private:
  static constexpr std::size_t ways = 7;
  using Word = std::atomic<std::uint64_t>;
  static_assert(Word::is_always_lock_free);
  struct alignas(64) Entry {
    Word key[2];   // {0, 0}: free
    Word request;  // its hash
    Word begun;    // ns, steady clock
    Word owner;    // the child that is doing it; 0: it is done
    Word epoch, offset, members;
  };
  struct alignas(64) Bucket {
    Word holder;  // of the lock: an origin; 0: nobody
    Entry entries[ways];
  };
  class Lock;

  bool is_over(const Entry& entry, std::chrono::nanoseconds now) const noexcept;
  bool is_in_progress(const Entry& entry) const noexcept;
  Entry* find_place(Bucket& bucket, std::chrono::nanoseconds now) const noexcept;

  std::span<Bucket> buckets_;
  const ChannelMemory& memory_;
  const std::uint64_t origin_;
};

}  // namespace cppwebsocket::channels
