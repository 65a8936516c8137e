#include "channels/members/replays.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "channels/members/local_member.hpp"

namespace cppwebsocket::channels {

namespace {

constexpr auto most_time = std::chrono::milliseconds(2);  // of a round
constexpr std::size_t most_known = 16;                    // pieces
constexpr std::size_t most_known_bytes = 1 << 20;         // of their messages

}  // namespace

// --- pieces ---------------------------------------------------------------------------------------

std::shared_ptr<SharedBatch> Replays::next_piece(LocalChannel& channel, Position& at) {
  if (!channel.past) channel.past = std::make_unique<Past>(store_, channel.name);
  bool is_lost = false;
  for (;;) {
    const Past::Piece piece = channel.past->after(at);
    if (piece.newest <= at.offset) break;
    auto batch = find_or_read(channel, piece);
    const auto& all = batch->publications();
    const bool begins_with_gap = all.front().kind == Publication::Kind::gap;
    if (is_lost && !begins_with_gap) break;  // one gap, for as many pieces as are lost
    at.offset = piece.newest;
    if (!begins_with_gap || all.size() != 1) return batch;
    is_lost = true;
  }
  if (!is_lost) {
    const std::uint64_t epoch = store_.position(channel.name).epoch;
    if (epoch == 0 || epoch == at.epoch) return nullptr;
    at = {epoch, 0};  // the channel has begun anew, and what was left of the old is lost
  }
  return std::make_shared<SharedBatch>(std::vector{gap_until(at)});
}

std::shared_ptr<SharedBatch> Replays::find_or_read(const LocalChannel& channel,
                                                   const Past::Piece& piece) {
  const auto known = std::ranges::find_if(known_, [&](const Known& each) {
    return each.channel == &channel && each.piece == piece;
  });
  if (known != known_.end()) return known->batch;
  auto batch = read(channel, piece);
  known_.push_back({&channel, piece, batch});
  known_bytes_ += batch->payload_bytes();
  while (known_.size() > most_known || (known_bytes_ > most_known_bytes && known_.size() > 1)) {
    known_bytes_ -= known_.front().batch->payload_bytes();
    known_.pop_front();
  }
  return batch;
}

// With the gaps in it.
std::shared_ptr<SharedBatch> Replays::read(const LocalChannel& channel,
                                           const Past::Piece& piece) const {
  bool is_first;
  std::vector<Record> records = channel.past->read(piece, is_first);
  std::vector<Arrival> publications;
  publications.reserve(records.size() + 1);
  const auto lose = [&](std::uint64_t last) {
    if (publications.empty() || publications.back().kind != Publication::Kind::gap)
      publications.emplace_back().kind = Publication::Kind::gap;
    publications.back().position = {piece.epoch, last};
  };
  std::uint64_t last = piece.below;
  if (is_first && last == 0) last = records.front().position.offset - 1;
  for (Record& record : records) {
    const std::uint64_t offset = record.position.offset;
    if (offset > last + 1) lose(offset - 1);
    if (record.kind == RecordKind::lost)
      lose(offset);
    else
      publications.push_back(past_arrival_of(std::move(record)));
    last = offset;
  }
  if (last < piece.newest) lose(piece.newest);
  return std::make_shared<SharedBatch>(std::move(publications));
}

void Replays::begin(LocalChannel& channel) noexcept { ++channel.replays; }

void Replays::end(LocalChannel& channel) noexcept {
  if (--channel.replays != 0) return;
  channel.past.reset();
  std::erase_if(known_, [&](const Known& each) {
    if (each.channel != &channel) return false;
    known_bytes_ -= each.batch->payload_bytes();
    return true;
  });
}

// --- turns ----------------------------------------------------------------------------------------

void Replays::list(LocalMember& member) { listed_.push_back(&member); }

void Replays::unlist(LocalMember& member) noexcept { std::erase(listed_, &member); }

// One after the other, so that each gets its piece before the first gets another.
void Replays::run() {
  if (listed_.empty()) return;
  const auto end = std::chrono::steady_clock::now() + most_time;
  do {
    LocalMember& member = *listed_.front();
    listed_.pop_front();
    member.go_on();
  } while (!listed_.empty() && std::chrono::steady_clock::now() < end);
}

}  // namespace cppwebsocket::channels
