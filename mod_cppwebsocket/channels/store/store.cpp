#include "channels/store/store.hpp"

#include "channels/store/ring.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <sys/random.h>

namespace cppwebsocket::channels {

using namespace shared;

namespace {

constexpr std::size_t longest_name = 255;  // bytes
constexpr std::int64_t report_interval_ms = 10'000;

std::int64_t now_ms() noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

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
}

ChannelStore::~ChannelStore() { memory_.release(seat_); }

std::size_t ChannelStore::largest_payload() const noexcept {
  return (memory_.ring_words() / 4 - RecordHead::words - (longest_name + 7) / 8) * sizeof(Word);
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
  if (record.message.size() > largest_payload() || channel.size() > longest_name)
    return {StoreResult::too_large, {}, 0};
  const ChannelKey key = channel_key(memory_.header().secret, channel);
  Stored stored;
  {
    std::lock_guard lock(mutex_);
    stored = append(key, channel, record);
  }
  if (stored.result != StoreResult::stored) return stored;
  if (record.kind == RecordKind::loose)
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
  head.time_ms = record.time_ms != 0 ? record.time_ms : now_ms();
  head.bound = record.bound;
  const bool keeps_origin = is_numbered(record.kind) || record.kind == RecordKind::provisional;
  head.origin = keeps_origin ? record.origin : origin_;
  head.sequence = keeps_origin ? record.sequence : sequence_ + 1;
  const std::string_view name = record.kind == RecordKind::control ? channel : std::string_view();
  head.name_size = static_cast<std::uint8_t>(name.size());

  Stored stored{StoreResult::stored, {}, head.sequence};
  unsigned part = quick;
  std::optional<SeenChannel> seen;
  if (linked) {
    seen = table_.find_or_make(key);
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
  return stored;
}

// From the exchange on the record is published, whether its writer lives or not. Before, it is not:
// then the next record takes its place in the ring.
bool ChannelStore::link(const ChannelKey& key, const Record& record, Written& written,
                        Stored& stored) {
  const bool numbered = is_numbered(record.kind);
  const std::uint64_t here = Location{seat_, written.part, written.at}.packed();
  for (std::optional<SeenChannel> seen = written.channel;; seen = table_.find_or_make(key)) {
    if (seen && numbered && seen->epoch != record.position.epoch)
      seen = table_.begin_anew(key, record.position.epoch);
    if (!seen) {
      ++memory_.header().refused;
      stored = {StoreResult::no_room, {}, 0};
      return false;
    }
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
}

// --- looking up
// -------------------------------------------------------------------------------------

Position ChannelStore::position(std::string_view channel) const noexcept {
  const auto seen = table_.find(channel_key(memory_.header().secret, channel));
  return seen ? seen->position() : Position();
}

HistoryBound ChannelStore::bound(std::string_view channel) const noexcept {
  const auto seen = table_.find(channel_key(memory_.header().secret, channel));
  return seen ? seen->bound : HistoryBound();
}

StoredHistory ChannelStore::history(std::string_view channel, std::optional<Position> after,
                                    std::size_t most) const {
  const ChannelKey key = channel_key(memory_.header().secret, channel);
  const auto seen = table_.find(key);
  StoredHistory history{{}, seen ? seen->position() : Position(), !after};
  if (!seen || (after && (after->epoch != seen->epoch || after->offset > seen->state.offset)))
    return history;

  const std::uint64_t low = after ? after->offset : 0;
  const std::size_t limit = std::min<std::size_t>(most, seen->bound.messages);
  const std::int64_t oldest_ms =
      seen->bound.seconds == 0 ? 0 : now_ms() - std::int64_t{seen->bound.seconds} * 1000;
  std::uint64_t next = seen->state.offset;  // the offset that completeness wants now
  std::uint64_t below = next + 1;
  for (std::uint64_t link = seen->state.last;
       below > low + 1 && history.records.size() < limit && !(link & Location::none);) {
    const Location at = Location::of(link);
    if (at.seat >= memory_.seats()) break;
    const Ring ring = memory_.ring(at.seat, at.ring);
    const auto head = ring.read(at.position);
    if (!head || head->key != key || head->position.epoch != seen->epoch ||
        head->position.offset >= below || head->position.offset <= low || head->time_ms < oldest_ms)
      break;
    below = head->position.offset;
    link = head->previous;
    if (head->kind == RecordKind::lost) continue;
    std::string payload;
    if (!ring.read_rest(at.position, *head, nullptr, payload)) break;
    history.records.push_back(channels::record_of(*head, std::move(payload)));
    if (below == next) --next;
  }
  std::ranges::reverse(history.records);
  if (after) history.complete = next == low;
  return history;
}

// --- leading
// ----------------------------------------------------------------------------------------

bool ChannelStore::try_lead(std::string_view channel) {
  return table_.try_lead(channel_key(memory_.header().secret, channel), origin_);
}

void ChannelStore::stop_leading(std::string_view channel) noexcept {
  const auto seen = table_.find(channel_key(memory_.header().secret, channel));
  std::uint64_t mine = origin_;
  if (seen) seen->entry->leader.compare_exchange_strong(mine, 0);
}

bool ChannelStore::leads(std::string_view channel) const noexcept {
  const auto seen = table_.find(channel_key(memory_.header().secret, channel));
  return seen && seen->entry->leader.load(std::memory_order_acquire) == origin_;
}

bool ChannelStore::is_alive(std::uint64_t origin) const noexcept {
  return memory_.is_alive(origin);
}

std::vector<std::uint64_t> ChannelStore::living() const {
  std::vector<std::uint64_t> origins;
  for (unsigned i = 0; i < memory_.used_seats(); ++i)
    if (const std::uint64_t origin = memory_.seat(i).origin) origins.push_back(origin);
  return origins;
}

// --- counting
// ---------------------------------------------------------------------------------------

StoreCounters ChannelStore::counters() const noexcept {
  const Header& header = memory_.header();
  return {header.overtaken, header.gaps,      header.evicted,
          header.refused,   header.reclaimed, header.channels};
}

void ChannelStore::count_gap() noexcept { ++memory_.header().gaps; }

void ChannelStore::count_overtaken() {
  ++memory_.header().overtaken;
  if (!report_) return;
  std::lock_guard lock(report_mutex_);
  ++unreported_;
  const std::int64_t now = now_ms();
  if (now - reported_ms_ < report_interval_ms) return;
  reported_ms_ = now;
  report_("a reader of channels was overtaken (" + std::to_string(std::exchange(unreported_, 0)) +
          " times since the last report): it is slower than what is published; a larger "
          "WebSocketChannelMemory gives it more time");
}

}  // namespace cppwebsocket::channels
