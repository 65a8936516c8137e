#include "channels/store/idempotency.hpp"

#include <stdexcept>
#include <thread>

namespace cppwebsocket::channels {

namespace {

using std::chrono::nanoseconds;

// What is done under the lock takes far less than a microsecond: who has it for longer is not run, or dead.
constexpr int most_spins = 1'000;
constexpr int most_naps = 100;
constexpr std::chrono::milliseconds nap{1};

template <typename Entry>
bool has_key(const Entry& entry, const ChannelKey& key) noexcept {
  return entry.key[0].load() == key.low && entry.key[1].load() == key.high;
}

}  // namespace

// Two threads of one child wait for each other, as two children do.
class IdempotencyTable::Lock {
 public:
  Lock(const IdempotencyTable& table, Bucket& bucket) noexcept : bucket_(bucket), origin_(table.origin_) {
    for (int tries = 0; !held_ && tries < most_spins + most_naps; ++tries) {
      std::uint64_t holder = 0;
      held_ = bucket_.holder.compare_exchange_strong(holder, origin_);
      if (held_ || tries < most_spins) continue;
      if (!table.memory_.is_alive(holder))
        held_ = bucket_.holder.compare_exchange_strong(holder, origin_);
      else
        std::this_thread::sleep_for(nap);
    }
  }
  ~Lock() {
    if (held_) bucket_.holder.store(0);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  explicit operator bool() const noexcept { return held_; }

 private:
  Bucket& bucket_;
  const std::uint64_t origin_;
  bool held_ = false;
};

IdempotencyTable::IdempotencyTable(std::span<std::byte> table, const ChannelMemory& memory, std::uint64_t origin)
    : buckets_(reinterpret_cast<Bucket*>(table.data()), table.size() / sizeof(Bucket)),
      memory_(memory),
      origin_(origin) {
  if (buckets_.empty()) throw std::invalid_argument("a table of idempotency keys without room for one");
}

bool IdempotencyTable::is_over(const Entry& entry, nanoseconds now) const noexcept {
  const auto begun = static_cast<std::int64_t>(entry.begun.load());
  return begun > now.count() || now.count() - begun > nanoseconds(lifetime).count();
}

bool IdempotencyTable::is_in_progress(const Entry& entry) const noexcept {
  const std::uint64_t owner = entry.owner;
  return owner != 0 && memory_.is_alive(owner);
}

// A free one, or the oldest that is done.
IdempotencyTable::Entry* IdempotencyTable::find_place(Bucket& bucket, nanoseconds now) const noexcept {
  Entry* chosen = nullptr;
  for (Entry& each : bucket.entries) {
    if (has_key(each, ChannelKey())) return &each;
    if (is_in_progress(each)) continue;
    if (is_over(each, now)) return &each;
    if (!chosen || each.begun < chosen->begun) chosen = &each;
  }
  return chosen;
}

// The key last: until then the entry is free, and it is again if this child dies.
IdempotencyTable::Attempt IdempotencyTable::begin(std::string_view name, std::string_view request,
                                                  nanoseconds now) noexcept {
  const ChannelKey key = channel_key(memory_.secret(), name);
  const std::uint64_t asked = channel_key(memory_.secret(), request).low;
  Bucket& bucket = buckets_[key.high % buckets_.size()];
  const Lock lock(*this, bucket);
  if (!lock) return Attempt(Outcome::no_room);
  Entry* place = nullptr;
  for (Entry& each : bucket.entries) {
    if (!has_key(each, key)) continue;
    if (is_in_progress(each)) return Attempt(each.request == asked ? Outcome::in_progress : Outcome::other_request);
    if (each.owner == 0 && !is_over(each, now)) {
      if (each.request != asked) return Attempt(Outcome::other_request);
      return Attempt(Answer{{each.epoch, each.offset}, each.members});
    }
    place = &each;
    break;
  }
  if (!place) place = find_place(bucket, now);
  if (!place) return Attempt(Outcome::no_room);
  place->key[0] = place->key[1] = 0;
  place->request = asked;
  place->begun = static_cast<std::uint64_t>(now.count());
  place->owner = origin_;
  place->key[1] = key.high;
  place->key[0] = key.low;
  return Attempt(*place, key);
}

// It needs no lock: who has that leaves an entry in progress alone. The owner last, here, and the key in the other case.
void IdempotencyTable::Attempt::finish(const Answer& answer) noexcept {
  if (!entry_ || !has_key(*entry_, key_)) return;
  entry_->epoch = answer.position.epoch;
  entry_->offset = answer.position.offset;
  entry_->members = answer.members;
  entry_->owner.store(0);
  entry_ = nullptr;
}

IdempotencyTable::Attempt::~Attempt() {
  if (!entry_ || !has_key(*entry_, key_)) return;
  entry_->key[0] = entry_->key[1] = 0;
}

}  // namespace cppwebsocket::channels
