// Whom a reader follows, and from where on.
#include "channels/store/reader.hpp"

#include "channels/store/ring.hpp"

namespace cppwebsocket::channels {

using namespace shared;

Follow& ChannelReader::follow(std::string_view channel, void* owner) {
  if (is_idle()) jump_to_heads();
  const ChannelKey key = channel_key(memory_.secret(), channel);
  Follow& follow = follows_[key];
  follow.owner = owner;
  follow.key = key;
  // Made, if need be: a position without an epoch could not be resumed from.
  if (const auto seen = store_.table().find_or_make(key)) {
    follow.position = seen->position();
    ChannelTable::follow(*seen->entry);
  }
  return follow;
}

// Some of the channels in each call.
void ChannelReader::renew(Sink& sink) {
  for (std::size_t left = follows_.bucket_count() / renewals + 1; left > 0; --left) {
    next_bucket_ = (next_bucket_ + 1) % follows_.bucket_count();
    for (auto each = follows_.begin(next_bucket_); each != follows_.end(next_bucket_); ++each) {
      Follow& follow = each->second;
      auto seen = store_.table().find(follow.key);
      if (!seen && follow.position.offset != 0) seen = store_.table().find_or_make(follow.key);
      if (!seen) continue;
      ChannelTable::follow(*seen->entry);
      // Where somebody has published since, the message itself will tell.
      if (seen->state.offset == 0) is_current(follow, seen->epoch, sink);
    }
  }
}

void ChannelReader::unfollow(Follow& follow) noexcept { follows_.erase(ChannelKey(follow.key)); }

// Of provisional ones it is remembered that they were given: with a new follower this reader may have
// passed them over.
bool ChannelReader::read_unnumbered(Follow& follow, const Place& place,
                                    std::vector<Record>& records) {
  if (place.heads.empty()) return true;
  bool all = true;
  for (unsigned seat = 0; seat < memory_.used_seats() && all; ++seat) {
    const Ring ring = memory_.ring(seat, quick);
    const std::uint64_t end = cursors_[2 * seat + quick];
    // Seats beyond those have been taken since.
    for (std::uint64_t at = seat < place.heads.size() ? place.heads[seat] : 0; at < end;) {
      const auto head = ring.read(at);
      std::string payload, remarks;
      const bool is_its = head && head->key == follow.key &&
                          (head->kind == RecordKind::provisional ||
                           (head->kind == RecordKind::loose && seat == store_.seat()));
      all = head && (!is_its || ring.read_rest(at, *head, &remarks, payload));
      if (!all) break;
      at += head->total_words();
      if (!is_its) continue;
      Record& record = records.emplace_back(record_of(*head, std::move(payload), std::move(remarks)));
      if (record.kind == RecordKind::provisional) remember_early(follow, record);
      record.position = {};
    }
  }
  return all;
}

}  // namespace cppwebsocket::channels
