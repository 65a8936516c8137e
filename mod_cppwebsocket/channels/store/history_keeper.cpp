#include "channels/store/history_keeper.hpp"

#include <algorithm>
#include <new>

#include "channels/store/chain.hpp"

namespace cppwebsocket::channels {

using namespace shared;

namespace {

constexpr std::size_t most_share = 32 << 10;  // words; a publication may copy one channel's in one go
constexpr std::int64_t work_per_word = 4;     // words, while there is something to catch up with
constexpr int tries = 3;                      // while others publish in the channel

}  // namespace

std::size_t HistoryKeeper::share_of(std::size_t ring_words) noexcept {
  return std::min(ring_words / 8, most_share);
}

// What a ring has never had is before its first round's end.
HistoryKeeper::HistoryKeeper(ChannelMemory& memory, const ChannelTable& table,
                             unsigned seat) noexcept
    : memory_(memory),
      table_(table),
      seat_(seat),
      size_(memory.ring_words()),
      share_(share_of(size_)),
      looked_(size_) {}

void HistoryKeeper::published(const RecordHead& newest) noexcept {
  const std::uint64_t head = memory_.ring(seat_, kept).head();
  const std::uint64_t overwritten = head - std::min<std::uint64_t>(head, size_);
  looked_ = std::max(looked_, overwritten);
  const std::uint64_t end = overwritten + size_ / 2;
  if (looked_ >= end) {
    credit_ = std::min<std::int64_t>(credit_, 0);
    return;
  }
  const auto words = static_cast<std::int64_t>(newest.total_words());
  credit_ += std::min<std::int64_t>(work_per_word * words, 2 * words + most_share);
  now_ms_ = 0;
  try {
    if (head >= round_end_) {
      carried_.assign(most_publishers, 0);
      round_end_ = head + size_;
    }
    look(newest, end);
  } catch (const std::bad_alloc&) {  // then a history is shorter than it could be
    looked_ = end;
  }
}

void HistoryKeeper::look(const RecordHead& newest, std::uint64_t end) {
  const Ring ring = memory_.ring(seat_, kept);
  while (credit_ > 0 && looked_ < end) {
    const std::uint64_t at = looked_;
    const auto record = ring.read(at);
    // After a start, or when the writer has come round, it may be the middle of one.
    const std::size_t words = record ? record->total_words() : 1;
    looked_ += words;
    credit_ -= static_cast<std::int64_t>(words);
    if (record && !is_pushed_out(*record, newest)) keep(at, *record);
  }
  ring.fetch(looked_);
}

// By the newest of the same channel, as most records are: so the table need not be asked.
bool HistoryKeeper::is_pushed_out(const RecordHead& head, const RecordHead& newest) const noexcept {
  return head.key == newest.key && head.position.epoch == newest.position.epoch &&
         newest.position.offset - head.position.offset >= newest.bound.messages;
}

bool HistoryKeeper::is_kept(const RecordHead& head, const SeenChannel& channel) const noexcept {
  return head.position.epoch == channel.epoch && head.position.offset <= channel.state.offset &&
         channel.state.offset - head.position.offset < channel.bound.messages &&
         !is_expired(head, channel.bound.seconds, now_ms_);
}

void HistoryKeeper::keep(std::uint64_t at, const RecordHead& oldest) {
  for (int left = tries; left > 0; --left) {
    const auto channel = table_.find(oldest.key);
    if (!channel) return;
    if (channel->bound.seconds != 0 && now_ms_ == 0) now_ms_ = system_ms();
    if (!is_kept(oldest, *channel)) return;
    if (const auto found = settled_.find(oldest.key); found != settled_.end() && at < found->second)
      return;
    if (oldest.publisher != 0 && carried_[oldest.publisher] >= size_ / 8) return;
    if (!find_chain(*channel, at, oldest)) return;

    const std::uint64_t begin = memory_.ring(seat_, kept).head();
    std::uint64_t link = oldest.previous;
    for (auto each = chain_.rbegin(); each != chain_.rend(); ++each)
      if (!copy(link, *each)) return;
    if (!exchange_state(*channel->entry, channel->state, {channel->state.offset, link})) continue;
    settle(oldest.key, begin);
    return;
  }
}

// Whether the record is in its channel's chain, within the channel's share. If so, chain_ has all from
// the newest to it.
bool HistoryKeeper::find_chain(const SeenChannel& channel, std::uint64_t at,
                               const RecordHead& oldest) {
  const std::uint64_t wanted = Location{seat_, kept, at}.packed();
  const Ring ring = memory_.ring(seat_, kept);
  std::uint64_t lowest = ring.head();
  std::size_t budget = share_;
  std::size_t words = 0;
  bool found = false;
  chain_.clear();
  Chain chain(memory_, oldest.key, {channel.epoch, oldest.position.offset - 1}, channel.state.last,
              channel.state.offset + 1, budget);
  while (!found) {
    const std::uint64_t here = chain.link();
    const auto head = chain.next();
    if (!head) break;
    credit_ -= RecordHead::words;
    const Location place = Location::of(here);
    if (place.seat == seat_ && place.ring == kept) lowest = std::min(lowest, place.position);
    words += head->total_words();
    chain_.push_back({here, head->total_words(), head->publisher});
    found = here == wanted;
  }
  // No copy may overwrite what was not looked at.
  if (found && ring.head() + words <= looked_ + size_) return true;
  settle(oldest.key, found ? at + 1 : lowest);
  return false;
}

// `previous` is the copy's, and then its place.
bool HistoryKeeper::copy(std::uint64_t& previous, const Kept& from) {
  const Location place = Location::of(from.location);
  const Ring source = memory_.ring(place.seat, place.ring);
  auto head = source.read(place.position);
  if (!head || head->total_words() != from.words ||
      !source.read_rest(place.position, *head, &name_, payload_))
    return false;
  head->previous = previous;
  head->is_copy = true;
  Ring ring = memory_.ring(seat_, kept);
  const std::uint64_t at = ring.write(*head, name_, payload_);
  ring.announce(at + head->total_words());
  previous = Location{seat_, kept, at}.packed();
  carried_[from.publisher] += static_cast<std::uint32_t>(from.words);
  credit_ -= static_cast<std::int64_t>(from.words);
  return true;
}

void HistoryKeeper::settle(const ChannelKey& key, std::uint64_t below) {
  settled_[key] = below;
  if (settled_.size() < most_settled_) return;
  std::erase_if(settled_, [&](const auto& each) { return each.second <= looked_; });
  // Each that is left has a record in the ring, unless somebody else has written there.
  if (settled_.size() > size_ / RecordHead::words) settled_.clear();
  most_settled_ = 2 * settled_.size() + 1024;
}

}  // namespace cppwebsocket::channels
