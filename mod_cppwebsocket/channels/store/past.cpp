#include "channels/store/past.hpp"

#include "channels/store/chain.hpp"

#include <algorithm>
#include <utility>

namespace cppwebsocket::channels {

using namespace shared;

Past::Past(const ChannelStore& store, std::string_view channel) noexcept
    : store_(store), key_(channel_key(store.memory().secret(), channel)) {}

Past::Piece Past::after(const Position& at) {
  const Piece nothing{at.epoch, at.offset, at.offset};
  const auto seen = store_.table().find(key_);
  if (!seen || seen->epoch != at.epoch || seen->state.offset <= at.offset) return nothing;
  if (std::exchange(epoch_, seen->epoch) != seen->epoch) pieces_.clear();
  if (pieces_.empty()) {
    rest_ = seen->state.last;
    pieces_.push_back({epoch_, seen->state.offset, seen->state.offset});
  }
  if (pieces_.back().newest <= at.offset) reach_up(*seen);
  if (pieces_.front().below > at.offset) reach_down(at.offset);
  const auto found = std::ranges::upper_bound(pieces_, at.offset, {}, &Piece::newest);
  return found != pieces_.end() ? *found : nothing;
}

// What is new since it was last looked.
void Past::reach_up(const SeenChannel& seen) {
  std::uint64_t link = seen.state.last;
  const auto found = walk(link, pieces_.back().newest, seen.state.offset);
  pieces_.insert(pieces_.end(), found.rbegin(), found.rend());
}

void Past::reach_down(std::uint64_t offset) {
  const auto found = walk(rest_, offset, pieces_.front().below);
  pieces_.insert(pieces_.begin(), found.rbegin(), found.rend());
}

// There is one at least; what of them is not there any more is missing when they are read.
std::vector<Past::Piece> Past::walk(std::uint64_t& link, std::uint64_t below,
                                    std::uint64_t newest) const {
  std::vector<Piece> found{{epoch_, below, newest, link}};
  std::size_t budget = store_.memory().all_words();
  Chain chain(store_.memory(), key_, {epoch_, below}, link, newest + 1, budget);
  std::size_t words = 0, records = 0;
  while (const auto head = chain.next()) {
    if (records == piece_records || (records != 0 && words + head->total_words() > piece_words)) {
      found.back().below = head->position.offset;
      found.push_back({epoch_, below, head->position.offset, link});
      words = records = 0;
    }
    words += head->total_words();
    ++records;
    link = chain.link();
  }
  return found;
}

std::vector<Record> Past::read(const Piece& piece, bool& is_first) const {
  std::vector<Record> records = read_from(piece, piece.link, piece.newest + 1, is_first);
  if (is_first || (!records.empty() && records.front().position.offset == piece.below + 1))
    return records;
  // Its records may have been copied since, and be overwritten where they were (HistoryKeeper).
  const auto seen = store_.table().find(key_);
  if (!seen || seen->epoch != piece.epoch || seen->state.last == piece.link) return records;
  std::vector<Record> again =
      read_from(piece, seen->state.last, seen->state.offset + 1, is_first);
  return again.size() > records.size() ? again : records;
}

std::vector<Record> Past::read_from(const Piece& piece, std::uint64_t link, std::uint64_t end,
                                    bool& is_first) const {
  std::vector<Record> records;
  is_first = false;
  std::size_t budget = store_.memory().all_words();
  Chain chain(store_.memory(), key_, {piece.epoch, piece.below}, link, end, budget);
  while (const auto head = chain.next()) {
    if (head->position.offset > piece.newest) continue;
    auto record = chain.read(*head);
    if (!record) break;
    records.push_back(std::move(*record));
    is_first = Location::is_beginning(chain.link());
  }
  std::ranges::reverse(records);
  return records;
}

}  // namespace cppwebsocket::channels
