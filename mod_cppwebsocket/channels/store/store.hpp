// What one child does with the channels' shared memory: publishes into its own rings, and looks up
// what any child has published. Its readers (reader.hpp) hear what comes.
// Thread: any, several at once; nothing here waits for a reader, and only a channel that is new, or
// a leader's first step, takes a lock that other processes take, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "channels/store/history_keeper.hpp"
#include "channels/store/memory.hpp"
#include "channels/store/record.hpp"
#include "channels/store/table.hpp"

namespace cppwebsocket::channels {

// Of all children since the memory was made.
struct StoreCounters {
  std::uint64_t overtaken = 0;  // times that a reader was slower than a ring is long
  std::uint64_t gaps = 0;       // times that a reader had to tell that messages are missing
  std::uint64_t evicted = 0;    // channels that were forgotten to make room for others
  std::uint64_t refused = 0;    // messages for which there was no room in the table
  std::uint64_t reclaimed = 0;  // seats of children that died
  std::uint64_t channels = 0;   // entries of the table that are in use
};

// What a store tells, at most every ten seconds.
enum class StoreNews {
  overtaken,  // a reader of this child was
  given_up,   // this child has given up channels with members or a history to make room for others
};

// Raised by ChannelStore.
struct NoSeat : std::runtime_error {
  using runtime_error::runtime_error;
};

class ChannelStore {
 public:
  using Report = std::function<void(StoreNews, const std::string&)>;

  // Takes a seat; raises NoSeat if there is none. `memory` outlives it. `report` is called on the
  // thread that has found it out.
  explicit ChannelStore(ChannelMemory& memory, Report report = {});
  // Frees the seat. Its readers are gone before.
  ~ChannelStore();
  ChannelStore(const ChannelStore&) = delete;
  ChannelStore& operator=(const ChannelStore&) = delete;

  std::uint64_t origin() const noexcept { return origin_; }

  // Bytes: a quarter of a ring, less the record's own.
  static std::size_t largest_payload(const ChannelMemory& memory) noexcept;
  std::size_t largest_payload() const noexcept { return largest_payload(memory_); }

  // Publishes `record` in `channel` (1..255 bytes) and wakes who sleeps. All that follow the
  // channel get it once and in the order of offsets. The store sets position, time (if 0) and, of
  // all but `numbered` and `provisional` records, origin and sequence. A bound above 0 messages is
  // the channel's from now on. Unless the result is `stored`, nothing has changed. `numbered`:
  // position is the caller's, not 0; an epoch other than the channel's begins it anew.
  Stored publish(std::string_view channel, const Record& record);

  // Of the newest message. {0, 0}: the channel is unknown; {.., 0}: it has had none.
  Position position(std::string_view channel) const noexcept;
  // What whoever published last with a history gave it. No messages: there is none.
  HistoryBound bound(std::string_view channel) const noexcept;

  // What a channel with a history keeps at least, in bytes of records (a message and some 88 bytes each), of
  // its newest, however much is published elsewhere: as long as not too many channels do (HistoryKeeper).
  static std::size_t share(const ChannelMemory& memory) noexcept;

  // What the channel's bound and the rings still hold: all after `after`, or without it the newest;
  // never more than the newest `most`. Raises bad_alloc.
  StoredHistory history(std::string_view channel, std::optional<Position> after,
                        std::size_t most) const;
  // For whoever reads on and on: the oldest `most` behind `after`, complete if nothing is missing between
  // that and the last of them, or, if there are no more, the newest. Raises bad_alloc.
  StoredHistory page_after(std::string_view channel, const Position& after, std::size_t most) const;
  // The newest `most` before `before`, complete if nothing is missing between them and that. Raises bad_alloc.
  StoredHistory page_before(std::string_view channel, const Position& before, std::size_t most) const;
  // What history() says, without the records, which may be read later (past.hpp).
  Extent extent(std::string_view channel, std::optional<Position> after, std::size_t most) const;

  // The channel has no past from one moment on; its position and bound stay. Whoever is behind that, or comes
  // back to it, is told a gap. Who is being sent the past just then may still get what was in it. Nothing: it
  // could not be done, for others never ceased to change the channel.
  std::optional<Deleted> delete_history(std::string_view channel) noexcept;

  // What is published in `channel` from now on is behind this place. `with_unnumbered`: also what has
  // no offset. Raises bad_alloc.
  Place place(std::string_view channel, bool with_unnumbered) const;

  // A channel has at most one leader in the whole httpd, a child. False: another leads, or no room
  // in the table. True again for who leads already. Ends with stop_leading() or the child.
  bool try_lead(std::string_view channel);
  void stop_leading(std::string_view channel) noexcept;
  bool leads(std::string_view channel) const noexcept;

  // Whether `origin` is a child of this httpd that lives; and quicker, whether it has a seat: a dead
  // one has until that is freed.
  bool is_alive(std::uint64_t origin) const noexcept;
  bool has_seat(std::uint64_t origin) const noexcept;
  // All that have a seat, this child included. Raises bad_alloc.
  std::vector<std::uint64_t> living() const;

  StoreCounters counters() const noexcept;
  // This child's, which the store itself leaves alone.
  ChildCounters& child_counters() const noexcept { return memory_.seat(seat_).counters; }

  // --- for readers
  // --------------------------------------------------------------------------------

  ChannelMemory& memory() const noexcept { return memory_; }
  const ChannelTable& table() const noexcept { return table_; }
  unsigned seat() const noexcept { return seat_; }
  void count_overtaken();
  void count_gap() noexcept;

 private:
  struct Written;
  Stored append(const ChannelKey& key, std::string_view channel, const Record& record);
  bool link(const ChannelKey& key, const Record& record, Written& written, Stored& stored);
  template <typename Take>
  Extent look_back(std::string_view channel, std::optional<Position> after, std::size_t most,
                   Take take) const;
  struct Unreported {
    std::int64_t reported_ms = 0;
    std::uint64_t count = 0;
  };
  void tell_given_up(std::uint64_t count);
  // Counts `count`; what is to be reported now, or 0.
  std::uint64_t due(Unreported& news, std::uint64_t count);

  ChannelMemory& memory_;
  ChannelTable table_;
  const Report report_;
  const std::uint64_t origin_;
  unsigned seat_ = 0;
  std::mutex mutex_;            // makes the child's threads one writer of its rings
  std::uint64_t sequence_ = 0;  // GUARDED_BY(mutex_)
  std::optional<HistoryKeeper> keeper_;  // GUARDED_BY(mutex_)
  std::mutex report_mutex_;
  Unreported overtaken_;  // GUARDED_BY(report_mutex_)
  Unreported given_up_;   // GUARDED_BY(report_mutex_)
};

}  // namespace cppwebsocket::channels
