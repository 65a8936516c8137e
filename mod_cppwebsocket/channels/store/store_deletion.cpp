// A history that is deleted.
#include "channels/store/chain.hpp"
#include "channels/store/ring.hpp"
#include "channels/store/store.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cppwebsocket::channels {

using namespace shared;

namespace {

// What a client could have been given.
std::size_t count_held(const ChannelMemory& memory, const ChannelKey& key, const SeenChannel& seen) noexcept {
  const std::int64_t now_ms = system_ms();
  std::size_t budget = memory.all_words();
  Chain chain(memory, key, {seen.epoch, 0}, seen.state.last, seen.state.offset + 1, budget);
  std::size_t held = 0;
  while (held < seen.bound.messages) {
    const auto head = chain.next();
    if (!head || is_expired(*head, seen.bound.seconds, now_ms)) break;
    if (head->kind != RecordKind::lost) ++held;
  }
  return held;
}

}  // namespace

// The records stay in their rings until these come round, but nothing leads to them any more.
std::optional<Deleted> ChannelStore::delete_history(std::string_view channel) noexcept {
  const ChannelKey key = channel_key(memory_.secret(), channel);
  for (int left = most_tries; left > 0; --left) {
    const auto seen = table_.find(key);
    if (!seen) return Deleted();
    if (seen->state.last & Location::none) return Deleted{seen->position(), 0};
    const std::uint64_t change = ++memory_.header().made;
    if (exchange_state(*seen->entry, seen->state, {seen->state.offset, Location::deleted | change}))
      return Deleted{seen->position(), count_held(memory_, key, *seen)};
  }
  return std::nullopt;
}

}  // namespace cppwebsocket::channels
