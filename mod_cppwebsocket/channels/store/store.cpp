#include "channels/store/store.hpp"

#include "channels/store/chain.hpp"
#include "channels/store/ring.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <sys/random.h>

namespace cppwebsocket::channels {

using namespace shared;

namespace {

constexpr std::size_t longest_name = 255;  // bytes
static_assert(longest_remarks <= longest_name);  // in a record it has the same place

std::uint64_t random_origin() {
  std::uint64_t origin;
  if (::getrandom(&origin, sizeof origin, 0) != sizeof origin)
    throw std::system_error(errno, std::generic_category(), "getrandom");
  return origin | 1;
}

bool is_linked(RecordKind kind) noexcept {
  return kind == RecordKind::message || is_numbered(kind);
}

}  // namespace

ChannelStore::ChannelStore(ChannelMemory& memory, Report report)
    : memory_(memory), table_(memory), report_(std::move(report)), origin_(random_origin()) {
  const int seat = memory.claim(origin_);
  if (seat < 0)
    throw NoSeat("all " + std::to_string(memory.seats()) + " seats are taken");
  seat_ = static_cast<unsigned>(seat);
  keeper_.emplace(memory_, table_, seat_);
}

ChannelStore::~ChannelStore() { memory_.release(seat_); }

std::size_t ChannelStore::largest_payload(const ChannelMemory& memory) noexcept {
  return (memory.ring_words() / 4 - RecordHead::words - (longest_name + 7) / 8) * sizeof(Word);
}

std::size_t ChannelStore::share(const ChannelMemory& memory) noexcept {
  return HistoryKeeper::share_of(memory.ring_words()) * sizeof(Word);
}

// --- publishing
// -------------------------------------------------------------------------------------

// A record that is in the ring and waits for its place in the channel.
struct ChannelStore::Written {
  Ring ring;
  unsigned part;
  std::uint64_t at;
  SeenChannel channel;
};

Stored ChannelStore::publish(std::string_view channel, const Record& record) {
  if (record.message.size() > largest_payload() || channel.size() > longest_name || record.remarks.size() > longest_remarks)
    return {StoreResult::too_large, {}, 0};
  const ChannelKey key = channel_key(memory_.secret(), channel);
  Stored stored;
  {
    std::lock_guard lock(mutex_);
    stored = append(key, channel, record);
  }
  if (const std::uint64_t given_up = table_.take_given_up()) tell_given_up(given_up);
  if (stored.result != StoreResult::stored) return stored;
  if (is_for_same_child(record.kind))
    memory_.wake(seat_);
  else
    memory_.wake_all();
  return stored;
}

Stored ChannelStore::append(const ChannelKey& key, std::string_view channel, const Record& record) {
  const bool linked = is_linked(record.kind);
  RecordHead head;
  head.key = key;
  head.kind = record.kind;
  head.is_text = record.message.is_text();
  head.payload_size = static_cast<std::uint32_t>(record.message.size());
  head.time_ms = record.time_ms != 0 ? record.time_ms : system_ms();
  head.bound = record.bound;
  const bool keeps_origin = is_numbered(record.kind) || record.kind == RecordKind::provisional;
  head.origin = keeps_origin ? record.origin : origin_;
  head.sequence = keeps_origin ? record.sequence : sequence_ + 1;
  const std::string_view name = record.kind == RecordKind::control ? channel : std::string_view(record.remarks);
  head.name_size = static_cast<std::uint8_t>(name.size());
  head.publisher = record.publisher;

  Stored stored{StoreResult::stored, {}, head.sequence};
  unsigned part = quick;
  std::optional<SeenChannel> seen;
  if (linked) {
    seen = table_.find_or_make_to_publish(key);
    if (!seen) {
      ++memory_.header().refused;
      return {StoreResult::no_room, {}, 0};
    }
    if (head.bound.messages == 0) head.bound = seen->bound;
    if (head.bound.messages != 0) part = kept;
  }
  Ring ring = memory_.ring(seat_, part);
  const std::uint64_t at = ring.write(head, name, record.message.text());
  if (linked) {
    Written written{ring, part, at, *seen};
    if (!link(key, record, written, stored)) return stored;
    Entry& entry = *written.channel.entry;
    if (head.bound != written.channel.bound)
      entry.bound = std::uint64_t{head.bound.messages} << 32 | head.bound.seconds;
    ChannelTable::touch(entry);
  }
  ring.announce(at + head.total_words());
  if (!keeps_origin) ++sequence_;
  if (part == kept) {
    head.position = stored.position;
    keeper_->published(head);
  }
  return stored;
}

// From the exchange on the record is published, whether its writer lives or not. Before, it is not:
// then the next record takes its place in the ring.
bool ChannelStore::link(const ChannelKey& key, const Record& record, Written& written,
                        Stored& stored) {
  const bool numbered = is_numbered(record.kind);
  const std::uint64_t here = Location{seat_, written.part, written.at}.packed();
  std::optional<SeenChannel> seen = written.channel;
  for (int left = most_tries; left > 0; --left, seen = table_.find_or_make_to_publish(key)) {
    if (seen && numbered && seen->epoch != record.position.epoch)
      seen = table_.begin_anew(key, record.position.epoch);
    if (!seen) break;
    if (numbered && seen->state.offset >= record.position.offset) {
      stored = {StoreResult::already_there, record.position, record.sequence};
      return false;
    }
    stored.position = {seen->epoch, numbered ? record.position.offset : seen->state.offset + 1};
    written.ring.place(written.at, stored.position, seen->state.last);
    if (!exchange_state(*seen->entry, seen->state, {stored.position.offset, here})) continue;
    written.channel = *seen;
    return true;
  }
  ++memory_.header().refused;
  stored = {StoreResult::no_room, {}, 0};
  return false;
}

// --- looking up
// -------------------------------------------------------------------------------------

Position ChannelStore::position(std::string_view channel) const noexcept {
  const auto seen = table_.find(channel_key(memory_.secret(), channel));
  return seen ? seen->position() : Position();
}

HistoryBound ChannelStore::bound(std::string_view channel) const noexcept {
  const auto seen = table_.find(channel_key(memory_.secret(), channel));
  return seen ? seen->bound : HistoryBound();
}

// Gives `take` each record of the history, the newest first; it may end that by returning false.
template <typename Take>
Extent ChannelStore::look_back(std::string_view channel, std::optional<Position> after,
                               std::size_t most, Take take) const {
  const ChannelKey key = channel_key(memory_.secret(), channel);
  const auto seen = table_.find(key);
  Extent extent{seen ? seen->position() : Position(), seen ? seen->position() : Position(), !after};
  if (!seen || (after && (after->epoch != seen->epoch || after->offset > seen->state.offset)))
    return extent;

  const Position low{seen->epoch, after ? after->offset : 0};
  const std::size_t limit = std::min<std::size_t>(most, seen->bound.messages);
  const std::int64_t oldest_ms =
      seen->bound.seconds == 0 ? 0 : system_ms() - std::int64_t{seen->bound.seconds} * 1000;
  std::uint64_t next = seen->state.offset;  // the offset that completeness wants now
  std::size_t budget = memory_.all_words();
  Chain chain(memory_, key, low, seen->state.last, next + 1, budget);
  for (std::size_t taken = 0; taken < limit;) {
    const auto head = chain.next();
    if (!head || head->time_ms < oldest_ms) break;
    if (head->kind == RecordKind::lost) continue;
    if (!take(chain, *head)) break;
    ++taken;
    if (head->position.offset == next) --next;
    extent.from.offset = head->position.offset - 1;
  }
  if (after) extent.complete = next == low.offset;
  return extent;
}

StoredHistory ChannelStore::history(std::string_view channel, std::optional<Position> after,
                                    std::size_t most) const {
  StoredHistory history;
  const Extent extent =
      look_back(channel, after, most, [&](const Chain& chain, const RecordHead& head) {
        auto record = chain.read(head);
        if (record) history.records.push_back(std::move(*record));
        return record.has_value();
      });
  std::ranges::reverse(history.records);
  history.newest = extent.newest;
  history.complete = extent.complete;
  return history;
}

StoredHistory ChannelStore::page_before(std::string_view channel, const Position& before,
                                        std::size_t most) const {
  constexpr std::size_t everything = std::numeric_limits<std::size_t>::max();
  StoredHistory page;
  std::uint64_t next = before.offset - 1;
  const auto take = [&](const Chain& chain, const RecordHead& head) {
    if (head.position.offset >= before.offset) return true;
    if (page.records.size() == most) return false;
    auto record = chain.read(head);
    if (!record) return false;
    page.complete &= head.position.offset == next;
    next = head.position.offset - 1;
    page.records.push_back(std::move(*record));
    return true;
  };
  page.complete = true;
  page.newest = look_back(channel, Position{before.epoch, 0}, everything, take).newest;
  std::ranges::reverse(page.records);
  page.complete &= page.newest.epoch == before.epoch && before.offset <= page.newest.offset + 1 &&
                   (page.records.size() == most || next == 0);
  return page;
}

Extent ChannelStore::extent(std::string_view channel, std::optional<Position> after,
                            std::size_t most) const {
  return look_back(channel, after, most, [](const Chain&, const RecordHead&) { return true; });
}

// The position last, so that nothing is between: at worst a record is on both sides of the place.
Place ChannelStore::place(std::string_view channel, bool with_unnumbered) const {
  Place place;
  if (with_unnumbered)
    for (unsigned i = 0; i < memory_.used_seats(); ++i)
      place.heads.push_back(memory_.ring(i, quick).head());
  place.position = position(channel);
  return place;
}

// --- leading
// ----------------------------------------------------------------------------------------

bool ChannelStore::try_lead(std::string_view channel) {
  return table_.try_lead(channel_key(memory_.secret(), channel), origin_);
}

void ChannelStore::stop_leading(std::string_view channel) noexcept {
  const auto seen = table_.find(channel_key(memory_.secret(), channel));
  std::uint64_t mine = origin_;
  if (seen) seen->entry->leader.compare_exchange_strong(mine, 0);
}

bool ChannelStore::leads(std::string_view channel) const noexcept {
  const auto seen = table_.find(channel_key(memory_.secret(), channel));
  return seen && seen->entry->leader.load(std::memory_order_acquire) == origin_;
}

bool ChannelStore::is_alive(std::uint64_t origin) const noexcept {
  return memory_.is_alive(origin);
}

bool ChannelStore::has_seat(std::uint64_t origin) const noexcept {
  return memory_.seat_of(origin).has_value();
}

std::vector<std::uint64_t> ChannelStore::living() const {
  std::vector<std::uint64_t> origins;
  for (unsigned i = 0; i < memory_.used_seats(); ++i)
    if (const std::uint64_t origin = memory_.seat(i).origin) origins.push_back(origin);
  return origins;
}

}  // namespace cppwebsocket::channels
