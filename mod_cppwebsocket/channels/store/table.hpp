// The table of channels in shared memory: open addressing within a window of slots. Entries are
// found without a lock. Where a window is full, a new channel takes the place of the one that loses
// least: what has neither members nor a history goes before what has. Who only listens takes no
// place but a free one, or that of a channel to which nobody has ever published.
// Thread and process: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "channels/store/key.hpp"
#include "channels/store/layout.hpp"
#include "channels/store/memory.hpp"
#include "channels/store/record.hpp"

namespace cppwebsocket::channels {

// An entry at one instant.
struct SeenChannel {
  shared::Entry* entry;
  std::uint64_t epoch;
  shared::State state;
  HistoryBound bound;

  Position position() const noexcept { return {epoch, state.offset}; }
};

class ChannelTable {
 public:
  static constexpr std::size_t window = 32;  // slots

  explicit ChannelTable(ChannelMemory& memory) noexcept : memory_(memory) {}

  std::optional<SeenChannel> find(const ChannelKey& key) const noexcept;

  // Finds it, or makes it, for one who listens: nothing if there is no place for that.
  std::optional<SeenChannel> find_or_make(const ChannelKey& key) const noexcept;
  // The same for one who publishes: nothing if all of its window have leaders that live.
  std::optional<SeenChannel> find_or_make_to_publish(const ChannelKey& key) const noexcept;

  // Has the channel begin anew with this epoch, unless it has it. Makes it if need be.
  std::optional<SeenChannel> begin_anew(const ChannelKey& key, std::uint64_t epoch) const noexcept;

  // The living child's origin that leads it, or 0.
  std::uint64_t leader_of(const shared::Entry& entry) const noexcept;
  bool try_lead(const ChannelKey& key, std::uint64_t origin) const noexcept;

  // Notes that the channel is not silent.
  static void touch(shared::Entry& entry) noexcept;
  // Notes that it has members. It counts for `lease` seconds.
  static void follow(shared::Entry& entry) noexcept;
  static constexpr std::uint32_t lease = 90;

  // How many channels with members or a history this process has given up since it was last asked.
  std::uint64_t take_given_up() const noexcept;

 private:
  enum class For { listening, publishing };
  shared::Entry& slot(const ChannelKey& key, std::size_t number) const noexcept;
  std::optional<SeenChannel> see(shared::Entry& entry, const ChannelKey& key) const noexcept;
  // With the rare lock:
  std::optional<SeenChannel> find_or_make_locked(const ChannelKey& key, For use) const noexcept;
  std::uint64_t new_epoch() const noexcept;
  shared::Entry* choose(const ChannelKey& key, For use) const noexcept;
  unsigned worth_of(const shared::Entry& entry) const noexcept;
  bool has_history(const shared::Entry& entry) const noexcept;
  SeenChannel make(shared::Entry& entry, const ChannelKey& key, std::uint64_t epoch) const noexcept;

  ChannelMemory& memory_;
  mutable std::atomic<std::uint64_t> given_up_{0};
};

}  // namespace cppwebsocket::channels
