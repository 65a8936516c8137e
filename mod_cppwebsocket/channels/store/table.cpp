#include "channels/store/table.hpp"

#include <algorithm>
#include <ctime>

#include "channels/store/ring.hpp"

namespace cppwebsocket::channels {

using namespace shared;

namespace {

// What would be lost with a channel. The least goes first; all of it together is the most.
constexpr unsigned position = 1;  // it was published to
constexpr unsigned members = 2;
constexpr unsigned history = 4;
constexpr unsigned nothing_more = position + members + history;

std::uint32_t store_seconds() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint32_t>(now.tv_sec);
}

bool has_key(const Entry& entry, const ChannelKey& key) noexcept {
  return entry.key[0].load(std::memory_order_acquire) == key.low &&
         entry.key[1].load(std::memory_order_acquire) == key.high;
}

}  // namespace

Entry& ChannelTable::slot(const ChannelKey& key, std::size_t number) const noexcept {
  return memory_.entries()[(key.low + number) % memory_.entry_count()];
}

// Consistent because an epoch is never used twice: if it is the same before and after, so was what
// is between.
std::optional<SeenChannel> ChannelTable::see(Entry& entry, const ChannelKey& key) const noexcept {
  for (int left = most_tries; left > 0; --left) {
    const std::uint64_t epoch = entry.epoch.load(std::memory_order_acquire);
    if (epoch == 0) return {};
    const State state = load_state(entry);
    const std::uint64_t bound = entry.bound.load(std::memory_order_acquire);
    if (!has_key(entry, key)) return {};
    if (entry.epoch.load(std::memory_order_acquire) == epoch)
      return SeenChannel{
          &entry,
          epoch,
          state,
          {static_cast<std::uint32_t>(bound >> 32), static_cast<std::uint32_t>(bound)}};
  }
  return {};
}

std::optional<SeenChannel> ChannelTable::find(const ChannelKey& key) const noexcept {
  for (std::size_t i = 0; i < window; ++i) {
    Entry& entry = slot(key, i);
    if (has_key(entry, key)) {
      if (const auto seen = see(entry, key)) return seen;
    } else if (has_key(entry, ChannelKey())) {
      return {};  // never used, and the first free slot is taken
    }
  }
  return {};
}

std::optional<SeenChannel> ChannelTable::find_or_make(const ChannelKey& key) const noexcept {
  if (const auto seen = find(key)) return seen;
  RareLock lock(memory_.locks());
  if (!lock) return {};
  return find_or_make_locked(key, For::listening);
}

std::optional<SeenChannel> ChannelTable::find_or_make_to_publish(
    const ChannelKey& key) const noexcept {
  if (const auto seen = find(key)) return seen;
  RareLock lock(memory_.locks());
  if (!lock) return {};
  return find_or_make_locked(key, For::publishing);
}

std::optional<SeenChannel> ChannelTable::find_or_make_locked(const ChannelKey& key,
                                                             For use) const noexcept {
  if (const auto seen = find(key)) return seen;
  Entry* const entry = choose(key, use);
  if (!entry) return {};
  return make(*entry, key, new_epoch());
}

std::optional<SeenChannel> ChannelTable::begin_anew(const ChannelKey& key,
                                                    std::uint64_t epoch) const noexcept {
  RareLock lock(memory_.locks());
  if (!lock) return {};
  const auto seen = find(key);
  if (seen && seen->epoch == epoch) return seen;
  Entry* const entry = seen ? seen->entry : choose(key, For::publishing);
  if (!entry) return {};
  return make(*entry, key, epoch);
}

std::uint64_t ChannelTable::new_epoch() const noexcept { return ++memory_.header().made; }

// A free slot, or that of the channel that is worth least, and of these the one that has been silent
// longest. Leaders keep theirs.
Entry* ChannelTable::choose(const ChannelKey& key, For use) const noexcept {
  Entry* chosen = nullptr;
  unsigned least = nothing_more;
  for (std::size_t i = 0; i < std::min(window, memory_.entry_count()); ++i) {
    Entry& entry = slot(key, i);
    if (entry.epoch == 0) return &entry;
    if (use == For::listening && entry.state[0] != 0) continue;
    const unsigned worth = worth_of(entry);
    if (chosen && (worth > least || (worth == least && entry.touched >= chosen->touched))) continue;
    if (leader_of(entry) != 0) continue;
    chosen = &entry;
    least = worth;
  }
  if (chosen && least > members) given_up_.fetch_add(1, std::memory_order_relaxed);
  return chosen;
}

unsigned ChannelTable::worth_of(const Entry& entry) const noexcept {
  const std::uint32_t followed = entry.followed;
  unsigned worth = followed != 0 && store_seconds() - followed < lease ? members : 0;
  if (entry.state[0] != 0) worth |= has_history(entry) ? position | history : position;
  return worth;
}

// Whether its newest message is still there, and may be given to who comes back.
bool ChannelTable::has_history(const Entry& entry) const noexcept {
  const std::uint64_t bound = entry.bound;
  const std::uint64_t last = entry.state[1];
  const Location at = Location::of(last);
  if (bound >> 32 == 0 || last & Location::none || at.seat >= memory_.seats()) return false;
  const auto newest = memory_.ring(at.seat, at.ring).read(at.position);
  if (!newest || !has_key(entry, newest->key) || newest->position.epoch != entry.epoch) return false;
  return !is_expired(*newest, static_cast<std::uint32_t>(bound), system_ms());
}

std::uint64_t ChannelTable::take_given_up() const noexcept {
  return given_up_.load(std::memory_order_relaxed) == 0 ? 0 : given_up_.exchange(0);
}

// With the rare lock. Until the last line nobody finds the entry; whoever has found it before loses
// the exchange, because its state is one that was never there.
SeenChannel ChannelTable::make(Entry& entry, const ChannelKey& key,
                               std::uint64_t epoch) const noexcept {
  Header& header = memory_.header();
  const bool is_used = entry.epoch.exchange(0) != 0;
  const State state{0, Location::none | new_epoch()};
  for (int left = most_tries; left > 0 && !exchange_state(entry, load_state(entry), state); --left) {
  }
  if (!has_key(entry, key)) {
    ++(is_used ? header.evicted : header.channels);
    entry.bound = 0;
    entry.leader = 0;
    entry.followed = 0;
    entry.key[1] = key.high;
    entry.key[0] = key.low;
  }
  touch(entry);
  entry.epoch.store(epoch, std::memory_order_seq_cst);
  const std::uint64_t bound = entry.bound;
  return {&entry,
          epoch,
          state,
          {static_cast<std::uint32_t>(bound >> 32), static_cast<std::uint32_t>(bound)}};
}

void ChannelTable::touch(Entry& entry) noexcept {
  entry.touched.store(store_seconds(), std::memory_order_relaxed);
}

void ChannelTable::follow(Entry& entry) noexcept {
  entry.followed.store(std::max<std::uint32_t>(store_seconds(), 1), std::memory_order_relaxed);
}

// --- leaders
// ----------------------------------------------------------------------------------------

std::uint64_t ChannelTable::leader_of(const Entry& entry) const noexcept {
  const std::uint64_t leader = entry.leader.load(std::memory_order_acquire);
  return memory_.is_alive(leader) ? leader : 0;
}

bool ChannelTable::try_lead(const ChannelKey& key, std::uint64_t origin) const noexcept {
  if (const auto seen = find(key))
    if (const std::uint64_t leader = leader_of(*seen->entry)) return leader == origin;
  RareLock lock(memory_.locks());
  if (!lock) return false;
  const auto seen = find_or_make_locked(key, For::publishing);
  if (!seen) return false;
  if (const std::uint64_t leader = leader_of(*seen->entry)) return leader == origin;
  seen->entry->leader = origin;
  return true;
}

}  // namespace cppwebsocket::channels
