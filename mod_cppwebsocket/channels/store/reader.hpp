// Reads what all children publish, for one reactor. A follower of a channel gets its messages in
// the one order that the channel has, each once; where some are missing because rings are finite,
// it is told so. Thread: one, the reactor's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "channels/store/store.hpp"

namespace cppwebsocket::channels {

// One channel as a reader follows it.
struct Follow {
  void* owner = nullptr;  // the caller's own

  ChannelKey key;
  Position position;  // of the last that was given, or at which it began
  // What may come twice, provisional first and numbered later: of each origin all from the first that was
  // given on, up to the last. Earlier ones may have come before this follower did.
  struct Known {
    std::uint64_t origin, first, last;
  };
  std::unique_ptr<std::vector<Known>> known;
  // Origin and last sequence of these that were given without a number, which has not come yet.
  using Early = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  std::unique_ptr<Early> early;
  bool has_unnumbered = false;  // has been given records without offset
};

class ChannelReader {
 public:
  // Who is given what is read. May use the store, but not this reader.
  class Sink {
   public:
    // A message; its position is {0, 0} if it has no offset.
    virtual void received(Follow& follow, Record&& record) = 0;
    // The messages after `from` up to `to` (inclusive) are lost to this follower. from == to: some
    // without offset may be.
    virtual void gap(Follow& follow, Position from, Position to) = 0;
    // What was given before, as provisional, has its number now; or, as `lost`, will have none of its own.
    // Whoever follows for longer knows it.
    virtual void given_early(Follow&, Record&&) {}
    virtual void control(std::string_view channel, Record&& record) = 0;
    // Control records may be lost to this reader.
    virtual void lost_control() {}

   protected:
    ~Sink() = default;
  };

  // `store` outlives it. Reactors have numbers from 0 to 63 in their child; 0 hears control
  // records.
  ChannelReader(ChannelStore& store, unsigned reactor_number);
  ~ChannelReader();
  ChannelReader(const ChannelReader&) = delete;
  ChannelReader& operator=(const ChannelReader&) = delete;

  // From the channel's present position on. Once per channel until unfollow(); the reference
  // lasts as long. Of records without offset, some from just before may come, too. Raises
  // bad_alloc.
  Follow& follow(std::string_view channel, void* owner);
  void unfollow(Follow& follow) noexcept;

  // What has no offset and was published behind `place`, as far as this reader has come. False: some
  // of it may be lost. Raises bad_alloc.
  bool read_unnumbered(Follow& follow, const Place& place, std::vector<Record>& records);

  // To be called each second or so: notes that the channels have members, and tells those of channels that
  // the table has given up meanwhile. An exception of the sink passes.
  void renew(Sink& sink);

  // Gives what has come, up to about `most_records` that were looked at, or `most_words` that were
  // given; repairs come on top. True: there is more. An exception of the sink passes, and what it was
  // given counts as given.
  static constexpr std::size_t most_words = (256 << 10) / sizeof(shared::Word);
  bool read(Sink& sink, std::size_t most_records);

  // The seat's eventfd, for all reactors of the child: with EPOLLET, and never read.
  int wake_descriptor() const noexcept;

  // Before the thread sleeps. True: from now on whoever publishes wakes it. False: there is
  // something to read, so do not sleep.
  bool prepare_to_wait() noexcept;
  void waited() noexcept;

 private:
  struct Found;
  bool is_idle() const noexcept { return follows_.empty() && number_ != 0; }
  void jump_to_heads();
  bool has_more() const noexcept;
  bool read_ring(unsigned seat, unsigned part, Sink& sink, std::size_t& left);
  void take(unsigned seat, Found& found, Sink& sink);
  void take_numbered(Follow& follow, Found& found, Sink& sink);
  void take_unnumbered(Follow& follow, Record&& record, Sink& sink);
  bool is_current(Follow& follow, std::uint64_t epoch, Sink& sink);
  void repair(Follow& follow, std::uint64_t from, std::uint64_t below, Sink& sink);
  void take_linked(Follow& follow, Sink& sink);
  void repair_all(Sink& sink);
  void pass(Follow& follow, Record&& record, bool is_first, Sink& sink);
  bool is_known(const Follow& follow, const Record& record) const noexcept;
  void remember(Follow& follow, const Record& record);
  void remember_early(Follow& follow, const Record& record);
  bool was_early(Follow& follow, const Record& record);
  void tell_gap(Follow& follow, Position to, Sink& sink);

  ChannelStore& store_;
  ChannelMemory& memory_;
  const unsigned number_;
  std::vector<std::uint64_t> cursors_;  // two a seat: the next word to read
  unsigned next_ring_ = 0;              // where the next round begins
  bool overtaken_ = false;
  std::size_t budget_ = 0;  // words that this round may still repair
  std::size_t given_ = 0;   // words of what this round has given
  std::unordered_map<ChannelKey, Follow, ChannelKeyHash> follows_;
  static constexpr std::size_t renewals = ChannelTable::lease / 3;  // calls that it takes for all
  std::size_t next_bucket_ = 0;
};

}  // namespace cppwebsocket::channels
