#include "channels/store/reader.hpp"

#include "channels/store/chain.hpp"
#include "channels/store/ring.hpp"

#include <algorithm>

namespace cppwebsocket::channels {

using namespace shared;

ChannelReader::ChannelReader(ChannelStore& store, unsigned reactor_number)
    : store_(store), memory_(store.memory()), number_(reactor_number) {
  jump_to_heads();
}

ChannelReader::~ChannelReader() { waited(); }

void ChannelReader::jump_to_heads() {
  cursors_.resize(2 * memory_.seats());
  for (unsigned i = 0; i < cursors_.size(); ++i) cursors_[i] = memory_.ring(i / 2, i % 2).head();
}

// --- reading
// ----------------------------------------------------------------------------------------

// A record's fixed part, and where the rest of it is.
struct ChannelReader::Found {
  Ring ring;
  std::uint64_t at;
  RecordHead head;

  // Of a control record `channel` is given.
  std::optional<Record> record(std::string* channel = nullptr) const {
    std::string payload, remarks;
    if (!ring.read_rest(at, head, channel ? channel : &remarks, payload)) return {};
    return record_of(head, std::move(payload), std::move(remarks));
  }
};

bool ChannelReader::read(Sink& sink, std::size_t most_records) {
  if (is_idle()) return false;
  const unsigned rings = 2 * memory_.used_seats();
  std::size_t left = most_records;
  budget_ = 2 * memory_.all_words();  // some may be written while this goes on
  given_ = 0;
  bool more = false;
  for (unsigned i = 0; i < rings; ++i) {
    const unsigned ring = (next_ring_ + i) % rings;
    more |= read_ring(ring / 2, ring % 2, sink, left);
  }
  if (rings != 0) next_ring_ = (next_ring_ + 1) % rings;
  if (overtaken_) repair_all(sink);
  return more;
}

bool ChannelReader::read_ring(unsigned seat, unsigned part, Sink& sink, std::size_t& left) {
  std::uint64_t& cursor = cursors_[2 * seat + part];
  const Ring ring = memory_.ring(seat, part);
  const std::uint64_t head = ring.head();
  while (cursor < head && left != 0 && given_ < most_words) {
    const auto record = ring.read(cursor);
    if (!record) {  // the writer has come round
      overtaken_ = true;
      cursor = ring.head();
      break;
    }
    Found found{ring, cursor, *record};
    cursor += record->total_words();
    --left;
    take(seat, found, sink);
  }
  return cursor < head;
}

void ChannelReader::take(unsigned seat, Found& found, Sink& sink) {
  const RecordHead& head = found.head;
  if (head.is_copy) return;
  if (head.kind == RecordKind::control) {
    if (number_ != 0) return;
    std::string name;
    if (auto record = found.record(&name)) sink.control(name, std::move(*record));
    return;
  }
  if (is_for_same_child(head.kind) && seat != store_.seat()) return;
  const auto follow = follows_.find(head.key);
  if (follow == follows_.end()) return;
  given_ += head.total_words();
  switch (head.kind) {
    case RecordKind::message:
    case RecordKind::numbered:
    case RecordKind::lost:
      return take_numbered(follow->second, found, sink);
    case RecordKind::provisional:
      take_linked(follow->second, sink);
      [[fallthrough]];
    case RecordKind::loose:
      if (auto record = found.record()) take_unnumbered(follow->second, std::move(*record), sink);
      return;
    case RecordKind::missed:
      return tell_gap(follow->second, follow->second.position, sink);
    case RecordKind::control:
      return;
  }
}

void ChannelReader::take_numbered(Follow& follow, Found& found, Sink& sink) {
  const RecordHead& head = found.head;
  if (!is_current(follow, head.position.epoch, sink)) return;
  if (head.position.offset <= follow.position.offset) return;
  // Others linked theirs before, and what is announced is linked: so the missing are there to find.
  if (head.position.offset > follow.position.offset + 1)
    repair(follow, head.previous, head.position.offset, sink);
  if (auto record = found.record())
    pass(follow, std::move(*record), Location::is_beginning(head.previous), sink);
  else
    overtaken_ = true;
}

// Follows the channel into a new epoch. False if this one is over: then it is too late for what was
// not read of it.
bool ChannelReader::is_current(Follow& follow, std::uint64_t epoch, Sink& sink) {
  if (follow.position.epoch == epoch) return true;
  const auto seen = store_.table().find(follow.key);
  if (seen && seen->epoch != epoch) {
    if (follow.position.epoch != 0) tell_gap(follow, follow.position, sink);
    return false;
  }
  if (seen) ChannelTable::follow(*seen->entry);
  // Who counts has lost count, and perhaps messages: an engine is a new one, or the table has given up the
  // channel. That one takes over the other's count is no loss.
  const bool was_engine = (follow.position.epoch & engine_epoch) != 0;
  if (follow.position.offset != 0 && (was_engine || (epoch & engine_epoch) == 0))
    tell_gap(follow, {epoch, 0}, sink);
  follow.position = {epoch, 0};
  return true;
}

// Gives what is between the follower's position and the offset `below`, along the chain that begins
// at `link`, as far as it is there.
void ChannelReader::repair(Follow& follow, std::uint64_t link, std::uint64_t below, Sink& sink) {
  std::vector<Record> missing;  // newest first
  bool is_first = false;        // the oldest of them, in the channel
  Chain chain(memory_, follow.key, follow.position, link, below, budget_);
  while (const auto head = chain.next()) {
    auto record = chain.read(*head);
    if (!record) break;
    missing.push_back(std::move(*record));
    is_first = Location::is_beginning(chain.link());
  }
  for (auto each = missing.rbegin(); each != missing.rend(); ++each)
    pass(follow, std::move(*each), std::exchange(is_first, false), sink);
}

// What was numbered before a provisional record may be in another ring. Behind it, earlier ones of
// the same origin would be taken for known.
void ChannelReader::take_linked(Follow& follow, Sink& sink) {
  const auto seen = store_.table().find(follow.key);
  if (!seen || seen->state.offset == 0 || !is_current(follow, seen->epoch, sink)) return;
  repair(follow, seen->state.last, seen->state.offset + 1, sink);
}

// After a jump: all that was linked before it is found from the channels' ends.
void ChannelReader::repair_all(Sink& sink) {
  overtaken_ = false;
  store_.count_overtaken();
  for (auto& [key, follow] : follows_) {
    if (follow.has_unnumbered) tell_gap(follow, follow.position, sink);
    const auto seen = store_.table().find(key);
    if (!seen || seen->state.offset == 0 || !is_current(follow, seen->epoch, sink)) continue;
    repair(follow, seen->state.last, seen->state.offset + 1, sink);
    if (follow.position.offset < seen->state.offset) tell_gap(follow, seen->position(), sink);
  }
  if (number_ == 0) sink.lost_control();
}

void ChannelReader::pass(Follow& follow, Record&& record, bool is_first, Sink& sink) {
  const Position at = record.position;
  // A channel whose numbers another machine gives may begin with any.
  const bool begins = is_first && follow.position.offset == 0;
  if (at.offset > follow.position.offset + 1 && !begins)
    tell_gap(follow, {at.epoch, at.offset - 1}, sink);
  const bool is_again = is_numbered(record.kind) && is_known(follow, record);
  if (is_numbered(record.kind) && was_early(follow, record) && is_again) {
    follow.position = at;
    return sink.given_early(follow, std::move(record));
  }
  if (record.kind == RecordKind::lost && !is_again) tell_gap(follow, at, sink);
  follow.position = at;
  if (is_again || record.kind == RecordKind::lost) return;
  if (record.kind == RecordKind::numbered && store_.has_seat(record.origin)) remember(follow, record);
  sink.received(follow, std::move(record));
}

void ChannelReader::take_unnumbered(Follow& follow, Record&& record, Sink& sink) {
  follow.has_unnumbered = true;
  if (record.kind == RecordKind::provisional) {
    if (is_known(follow, record)) return;
    remember_early(follow, record);
  }
  record.position = {};
  sink.received(follow, std::move(record));
}

bool ChannelReader::is_known(const Follow& follow, const Record& record) const noexcept {
  if (!follow.known) return false;
  return std::ranges::any_of(*follow.known, [&](const auto& each) {
    return each.origin == record.origin && record.sequence <= each.last &&
           (record.kind == RecordKind::provisional || record.sequence >= each.first);
  });
}

void ChannelReader::remember(Follow& follow, const Record& record) {
  if (!follow.known) follow.known = std::make_unique<std::vector<Follow::Known>>();
  std::vector<Follow::Known>& known = *follow.known;
  Follow::Known made{record.origin, record.sequence, record.sequence};
  if (const auto found = std::ranges::find(known, record.origin, &Follow::Known::origin);
      found != known.end()) {
    if (record.sequence <= found->last) return;  // before the first others may have been passed over
    made.first = found->first;
    known.erase(found);
  }
  // Of children that are gone for long nothing comes twice any more.
  if (known.size() > 2 * memory_.used_seats() + 8) known.erase(known.begin());
  known.push_back(made);
}

void ChannelReader::remember_early(Follow& follow, const Record& record) {
  remember(follow, record);
  if (!follow.early) follow.early = std::make_unique<Follow::Early>();
  Follow::Early& early = *follow.early;
  const auto found = std::ranges::find(early, record.origin, &Follow::Early::value_type::first);
  if (found != early.end())
    found->second = std::max(found->second, record.sequence);
  else
    early.emplace_back(record.origin, record.sequence);
}

// Its number has come, and with that all of its origin before it have theirs.
bool ChannelReader::was_early(Follow& follow, const Record& record) {
  if (!follow.early) return false;
  Follow::Early& early = *follow.early;
  const auto found = std::ranges::find(early, record.origin, &Follow::Early::value_type::first);
  if (found == early.end()) return false;
  const std::uint64_t last = found->second;
  if (record.sequence >= last) early.erase(found);
  if (early.empty()) follow.early.reset();
  return record.sequence <= last;
}

void ChannelReader::tell_gap(Follow& follow, Position to, Sink& sink) {
  const Position from = follow.position;
  follow.position = to;
  store_.count_gap();
  sink.gap(follow, from, to);
}

// --- waiting
// ----------------------------------------------------------------------------------------

int ChannelReader::wake_descriptor() const noexcept { return memory_.eventfd(store_.seat()); }

bool ChannelReader::has_more() const noexcept {
  for (unsigned i = 0; i < 2 * memory_.used_seats(); ++i)
    if (cursors_[i] < memory_.ring(i / 2, i % 2).head()) return true;
  return false;
}

bool ChannelReader::prepare_to_wait() noexcept {
  if (is_idle()) return true;
  memory_.seat(store_.seat()).sleeping.fetch_or(std::uint64_t{1} << number_ % 64);
  memory_.header().sleepers[store_.seat() / 64].fetch_or(std::uint64_t{1} << store_.seat() % 64);
  if (!has_more()) return true;
  waited();
  return false;
}

void ChannelReader::waited() noexcept {
  const std::uint64_t bit = std::uint64_t{1} << number_ % 64;
  auto& sleeping = memory_.seat(store_.seat()).sleeping;
  if (sleeping.load(std::memory_order_relaxed) & bit) sleeping.fetch_and(~bit);
}

}  // namespace cppwebsocket::channels
