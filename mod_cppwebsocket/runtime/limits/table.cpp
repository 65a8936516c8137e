#include "runtime/limits/table.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include <sys/random.h>

namespace cppwebsocket::runtime {

namespace {

using std::chrono::nanoseconds;

// An entry's key:  33 bits of the hash, never 0 | rate | 14 bits seat | 16 bits incarnation
constexpr unsigned tag_shift = 31;
constexpr std::uint64_t rate_bit = std::uint64_t{1} << 30;
constexpr std::uint64_t time_bit = std::uint64_t{1} << 63;
constexpr std::uint64_t most_count = 1 << 24;
constexpr unsigned rate_place = LimitTable::most_seats;  // where no seat's entries are
constexpr std::size_t line = 64;

constexpr std::uint64_t tag_of(std::uint64_t key) noexcept { return key >> tag_shift; }
constexpr unsigned seat_of(std::uint64_t key) noexcept { return key >> 16 & 0x3fff; }

constexpr std::uint64_t tagged(LimitKey key) noexcept {
  const std::uint64_t tag = key.hash >> tag_shift;
  return (tag ? tag : 1) << tag_shift;
}

std::size_t head_bytes(unsigned seats) noexcept {
  const std::size_t bytes = line + seats * sizeof(std::atomic<std::uint32_t>);
  return (bytes + line - 1) / line * line;
}

constexpr std::uint64_t mixed(std::uint64_t word) noexcept {
  word = (word ^ word >> 31) * 0x9fb21c651e98df25;
  return word ^ word >> 29;
}

// SipHash-1-3, which is enough for what lives in a table for some minutes.
class Sip {
 public:
  explicit Sip(const std::uint64_t (&secret)[2]) noexcept
      : v_{secret[0] ^ 0x736f6d6570736575, secret[1] ^ 0x646f72616e646f6d,
           secret[0] ^ 0x6c7967656e657261, secret[1] ^ 0x7465646279746573} {}
  void take(std::string_view text) noexcept {
    for (; text.size() >= 8; text.remove_prefix(8)) {
      std::uint64_t word;
      std::memcpy(&word, text.data(), 8);
      take(word);
    }
    std::uint64_t last = std::uint64_t{text.size()} << 56 | 0x80;
    for (std::size_t i = 0; i < text.size(); ++i)
      last ^= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
    take(last);
  }
  void take(std::uint64_t word) noexcept {
    v_[3] ^= word;
    round();
    v_[0] ^= word;
  }
  std::uint64_t result() noexcept {
    v_[2] ^= 0xff;
    for (int i = 0; i < 3; ++i) round();
    return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
  }

 private:
  void round() noexcept {
    const auto half = [this](int a, int b, int turn, int next) {
      v_[a] += v_[b];
      v_[b] = std::rotl(v_[b], turn) ^ v_[a];
      if (next >= 0) v_[a] = std::rotl(v_[a], next);
    };
    half(0, 1, 13, 32);
    half(2, 3, 16, -1);
    half(0, 3, 21, -1);
    half(2, 1, 17, 32);
  }
  std::uint64_t v_[4];
};

// The first child that comes writes it; another may change it later, and then counts go astray.
std::uint64_t agreed(std::atomic<std::uint64_t>& word) noexcept {
  std::uint64_t mine = 0, seen = 0;
  while (mine == 0)
    if (::getrandom(&mine, sizeof mine, 0) != sizeof mine) mine = 1;
  return word.compare_exchange_strong(seen, mine) ? mine : seen;
}

}  // namespace

std::size_t LimitTable::least_bytes(unsigned seats) noexcept {
  return head_bytes(seats) + 2 * ways * sizeof(Entry);
}

LimitTable::LimitTable(std::span<std::byte> memory, unsigned seats, unsigned seat,
                       std::function<bool(unsigned)> is_alive)
    : header_(reinterpret_cast<Header*>(memory.data())),
      incarnations_(reinterpret_cast<std::atomic<std::uint32_t>*>(memory.data() + line)),
      entries_(reinterpret_cast<Entry*>(memory.data() + head_bytes(seats))),
      buckets_(0),
      seats_(seats),
      seat_(seat),
      is_alive_(std::move(is_alive)) {
  static_assert(sizeof(Header) <= line && ways * sizeof(Entry) == 2 * line);
  if (seats > most_seats || seat >= seats || memory.size() < least_bytes(seats))
    throw std::invalid_argument("a table of limits in " + std::to_string(memory.size()) + " bytes for " +
                                std::to_string(seats) + " children");
  buckets_ = (memory.size() - head_bytes(seats)) / (ways * sizeof(Entry));
  secret_[0] = agreed(header_->secret[0]);
  secret_[1] = agreed(header_->secret[1]);
  own_incarnation_ = static_cast<std::uint16_t>(++incarnations_[seat]);
  std::uint64_t used = header_->used_seats;
  while (used <= seat && !header_->used_seats.compare_exchange_weak(used, seat + 1)) {
  }
}

// --- where things are ----------------------------------------------------------------------------

LimitKey LimitTable::key(std::string_view rule, std::string_view client) const noexcept {
  Sip sip(secret_);
  sip.take(rule);
  sip.take(client);
  return {sip.result()};
}

std::uint16_t LimitTable::incarnation(unsigned seat) const noexcept {
  return seat == seat_ ? own_incarnation_ : static_cast<std::uint16_t>(incarnations_[seat]);
}

std::uint64_t LimitTable::key_in(LimitKey key, unsigned seat) const noexcept {
  return tagged(key) | std::uint64_t{seat} << 16 | incarnation(seat);
}

// Each child's entries for a client have places of their own: there may be hundreds of children.
std::span<LimitTable::Entry> LimitTable::bucket(LimitKey key, unsigned place, unsigned choice) const noexcept {
  const std::uint64_t hash = mixed(key.hash + (2 * std::uint64_t{place} + choice) * 0x9e3779b97f4a7c15);
  return {entries_ + ((hash >> 32) * buckets_ >> 32) * ways, ways};
}

LimitTable::Entry* LimitTable::find(LimitKey key, unsigned place, std::uint64_t packed) const noexcept {
  for (const unsigned choice : {0u, 1u})
    for (Entry& entry : bucket(key, place, choice))
      if (entry.key.load(std::memory_order_seq_cst) == packed) return &entry;
  return nullptr;
}

// `ask` the kernel about children, too.
bool LimitTable::is_free(const Entry& entry, nanoseconds now, bool ask) const noexcept {
  const std::uint64_t key = entry.key;
  if (key == 0) return true;
  if (key & rate_bit) {
    const std::uint64_t until = entry.state & ~time_bit;
    return until <= static_cast<std::uint64_t>(now.count());
  }
  const unsigned seat = seat_of(key);
  if (seat >= seats_ || incarnation(seat) != (key & 0xffff)) return true;
  return ask && seat != seat_ && !is_alive_(seat);
}

// In the emptier bucket of two. While it is being written it has no tag, and belongs to this child.
LimitTable::Entry* LimitTable::claim(LimitKey key, unsigned place, std::uint64_t packed, std::uint64_t state,
                                     nanoseconds now) noexcept {
  const std::uint64_t in_writing = key_in(key, seat_) & ((std::uint64_t{1} << tag_shift) - 1);
  for (const bool ask : {false, true}) {
    const std::span<Entry> both[] = {bucket(key, place, 0), bucket(key, place, 1)};
    std::size_t room[2];
    for (int i = 0; i < 2; ++i)
      room[i] = static_cast<std::size_t>(std::count_if(
          both[i].begin(), both[i].end(), [&](const Entry& each) { return is_free(each, now, ask); }));
    for (const int i : room[0] >= room[1] ? std::array{0, 1} : std::array{1, 0})
      for (Entry& entry : both[i]) {
        std::uint64_t seen = entry.key;
        if (!is_free(entry, now, ask) || !entry.key.compare_exchange_strong(seen, in_writing)) continue;
        entry.state = state;
        entry.key.store(packed, std::memory_order_seq_cst);
        return &entry;
      }
  }
  return nullptr;
}

// --- what is had ---------------------------------------------------------------------------------

std::uint64_t LimitTable::others_have(LimitKey key, bool ask) const noexcept {
  const auto used = std::min<std::uint64_t>(header_->used_seats, seats_);
  std::uint64_t sum = 0;
  for (unsigned seat = 0; seat < used; ++seat) {
    if (seat == seat_) continue;
    const Entry* const entry = find(key, seat, key_in(key, seat));
    const std::uint64_t count = entry ? entry->state.load() : 0;
    if (count == 0 || count > most_count || (ask && !is_alive_(seat))) continue;
    sum += count;
  }
  return sum;
}

// Counted first and judged then: two that come at once may both be refused, but never get in above the limit. So what is
// counted, keys and states, is sequentially consistent: of two that count at once, one sees the other.
LimitTable::Taken LimitTable::take(LimitKey key, std::uint32_t most, Scope scope, nanoseconds now) noexcept {
  std::lock_guard lock(mutex_);
  const std::uint64_t packed = key_in(key, seat_);
  Entry* entry = find(key, seat_, packed);
  if (!entry) entry = claim(key, seat_, packed, 0, now);
  if (!entry) return Taken::no_room;
  const std::uint64_t mine = ++entry->state;
  const bool is_over =
      mine > most || (scope == Scope::all_children && mine + others_have(key, false) > most &&
                      mine + others_have(key, true) > most);
  if (!is_over) return Taken::yes;
  if (--entry->state == 0) entry->key = 0;
  return Taken::over;
}

void LimitTable::give_back(LimitKey key) noexcept {
  std::lock_guard lock(mutex_);
  Entry* const entry = find(key, seat_, key_in(key, seat_));
  if (entry && --entry->state == 0) entry->key = 0;
}

bool LimitTable::set(LimitKey key, std::uint32_t count, nanoseconds now) noexcept {
  std::lock_guard lock(mutex_);
  const std::uint64_t packed = key_in(key, seat_);
  Entry* const entry = find(key, seat_, packed);
  if (entry) entry->state = count;
  if (entry && count == 0) entry->key = 0;
  if (entry || count == 0 || claim(key, seat_, packed, count, now)) return true;
  header_->without_room = 1;
  return false;
}

std::uint64_t LimitTable::sum(LimitKey key) const noexcept {
  const Entry* const mine = find(key, seat_, key_in(key, seat_));
  return (mine ? mine->state.load() : 0) + others_have(key, true);
}

// --- what happens --------------------------------------------------------------------------------

std::optional<nanoseconds> LimitTable::wait_for(LimitKey key, const LimitRate& rate, nanoseconds now) noexcept {
  const std::uint64_t packed = tagged(key) | rate_bit;
  const nanoseconds each = std::max(rate.time / std::max(rate.count, 1u), nanoseconds(1));
  for (int tries = 0; tries < 100; ++tries) {
    Entry* const entry = find(key, rate_place, packed);
    if (!entry) {
      const auto first = static_cast<std::uint64_t>((now + each).count()) | time_bit;
      claim(key, rate_place, packed, first, now);
      return std::nullopt;
    }
    std::uint64_t seen = entry->state;
    if (entry->key != packed) continue;  // it has become another's meanwhile
    // Of what another child may have written nobody is kept out for longer than the rate's time.
    const nanoseconds until = std::clamp(nanoseconds(seen & ~time_bit), now, now + rate.time) + each;
    if (until > now + rate.time) return until - now - rate.time;
    if (entry->state.compare_exchange_weak(seen, static_cast<std::uint64_t>(until.count()) | time_bit))
      return std::nullopt;
  }
  return std::nullopt;
}

bool LimitTable::is_first_without_room() noexcept { return header_->without_room.exchange(1) == 0; }

bool LimitTable::was_without_room() const noexcept { return header_->without_room.load() != 0; }

}  // namespace cppwebsocket::runtime
