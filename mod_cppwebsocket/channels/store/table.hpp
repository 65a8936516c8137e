// The table of channels in shared memory: open addressing within a window of slots. Entries are
// found without a lock. A channel that has been silent long makes room for a new one.
// Thread and process: any.
#pragma once

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

  // Finds it, or makes it; nothing if all of its window have leaders that live.
  std::optional<SeenChannel> find_or_make(const ChannelKey& key) const noexcept;

  // Has the channel begin anew with this epoch, unless it has it. Makes it if need be.
  std::optional<SeenChannel> begin_anew(const ChannelKey& key, std::uint64_t epoch) const noexcept;

  // The living child's origin that leads it, or 0.
  std::uint64_t leader_of(const shared::Entry& entry) const noexcept;
  bool try_lead(const ChannelKey& key, std::uint64_t origin) const noexcept;

  // Notes that the channel is not silent.
  static void touch(shared::Entry& entry) noexcept;

 private:
  shared::Entry& slot(const ChannelKey& key, std::size_t number) const noexcept;
  std::optional<SeenChannel> see(shared::Entry& entry, const ChannelKey& key) const noexcept;
  // With the rare lock:
  std::optional<SeenChannel> find_or_make_locked(const ChannelKey& key) const noexcept;
  std::uint64_t new_epoch() const noexcept;
  shared::Entry* choose(const ChannelKey& key) const noexcept;
  SeenChannel make(shared::Entry& entry, const ChannelKey& key, std::uint64_t epoch) const noexcept;

  ChannelMemory& memory_;
};

}  // namespace cppwebsocket::channels
