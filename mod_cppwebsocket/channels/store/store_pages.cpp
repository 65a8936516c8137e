// A history read forward, bit by bit.
#include <limits>
#include <utility>

#include "channels/store/past.hpp"
#include "channels/store/store.hpp"

namespace cppwebsocket::channels {

StoredHistory ChannelStore::page_after(std::string_view channel, const Position& after,
                                       std::size_t most) const {
  const Extent held = extent(channel, after, std::numeric_limits<std::size_t>::max());
  StoredHistory page{{}, held.newest, held.complete};
  if (held.newest.epoch != after.epoch || after.offset > held.newest.offset) return page;
  Past past(*this, channel);
  Position at = held.from;
  std::uint64_t next = after.offset + 1;  // without which something is missing
  page.complete = true;
  while (page.records.size() < most) {
    const Past::Piece piece = past.after(at);
    if (piece.newest <= at.offset) break;
    bool is_first = false;
    for (Record& each : past.read(piece, is_first)) {
      if (each.position.offset <= at.offset || each.kind == RecordKind::lost) continue;
      if (page.records.size() == most) return page;
      page.complete &= each.position.offset == next;
      next = each.position.offset + 1;
      page.records.push_back(std::move(each));
    }
    at.offset = piece.newest;
  }
  if (page.records.size() < most) page.complete &= next > page.newest.offset;
  return page;
}

}  // namespace cppwebsocket::channels
