// Keeps what is said in one channel from pushing out the history of others. A ring goes round and overwrites
// what is oldest, whosever it is; so before it comes to a record that its channel still keeps, the
// record is copied to the ring's head, with the younger ones of its channel, which are then a chain of
// copies. Nothing is written but into this child's own ring, and the channel's entry, in one exchange.
//
//   ring:  … │ may be overwritten next ─▶ looked at already │ not looked at … │ head
//            └────────────── half of it, at most ──────────┘
//
// The work goes ahead of the writer, in proportion to what is published. What it does for one has bounds:
// a channel's newest records up to its share, an eighth of the ring at most, and of what one publisher has
// published, an eighth of the ring in each of its rounds. So who publishes much loses what is beyond that, as
// a ring loses it, and the others nothing, as long as what is kept in all fits into a quarter of the ring.
// Thread: one at a time; the store's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "channels/store/memory.hpp"
#include "channels/store/record.hpp"
#include "channels/store/ring.hpp"
#include "channels/store/table.hpp"

namespace cppwebsocket::channels {

class HistoryKeeper {
 public:
  HistoryKeeper(ChannelMemory& memory, const ChannelTable& table, unsigned seat) noexcept;

  // Of a channel: words of records in a ring of so many.
  static std::size_t share_of(std::size_t ring_words) noexcept;

  // After this record was announced in this child's ring of histories.
  void published(const RecordHead& newest) noexcept;

 private:
  struct Kept {
    std::uint64_t location;
    std::size_t words;
    std::uint16_t publisher;
  };

  void look(const RecordHead& newest, std::uint64_t end);
  bool is_pushed_out(const RecordHead& head, const RecordHead& newest) const noexcept;
  bool is_kept(const RecordHead& head, const SeenChannel& channel) const noexcept;
  void keep(std::uint64_t at, const RecordHead& oldest);
  bool find_chain(const SeenChannel& channel, std::uint64_t at, const RecordHead& oldest);
  bool copy(std::uint64_t& previous, const Kept& from);
  void settle(const ChannelKey& key, std::uint64_t below);

  ChannelMemory& memory_;
  const ChannelTable& table_;
  const unsigned seat_;
  const std::size_t size_;   // of the ring, in words, as all that follows
  const std::size_t share_;
  std::uint64_t looked_ = 0;  // up to here
  std::int64_t credit_ = 0;   // that may be read and written before more is published
  std::int64_t now_ms_ = 0;
  std::uint64_t round_end_ = 0;
  std::vector<std::uint32_t> carried_;  // in this round, by publisher
  // Below this position are none that the channel keeps, or they are not to be copied.
  std::unordered_map<ChannelKey, std::uint64_t, ChannelKeyHash> settled_;
  std::size_t most_settled_ = 1024;
  std::vector<Kept> chain_;  // newest first
  std::string name_, payload_;
};

}  // namespace cppwebsocket::channels
