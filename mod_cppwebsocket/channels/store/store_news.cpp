// What the store counts, and what of that is told.
#include "channels/store/store.hpp"

#include "channels/store/ring.hpp"

#include <utility>

namespace cppwebsocket::channels {

using namespace shared;

namespace {
constexpr std::int64_t report_interval_ms = 10'000;
}

StoreCounters ChannelStore::counters() const noexcept {
  const Header& header = memory_.header();
  return {header.overtaken, header.gaps,      header.evicted,
          header.refused,   header.reclaimed, header.channels};
}

void ChannelStore::count_gap() noexcept { ++memory_.header().gaps; }

std::uint64_t ChannelStore::due(Unreported& news, std::uint64_t count) {
  std::lock_guard lock(report_mutex_);
  news.count += count;
  const std::int64_t now = system_ms();
  if (!report_ || now - news.reported_ms < report_interval_ms) return 0;
  news.reported_ms = now;
  return std::exchange(news.count, 0);
}

void ChannelStore::count_overtaken() {
  ++memory_.header().overtaken;
  if (const std::uint64_t times = due(overtaken_, 1))
    report_(StoreNews::overtaken,
            "a reader of channels was overtaken (" + std::to_string(times) +
                " times since the last report): it is slower than what is published; a larger "
                "WebSocketChannelMemory gives it more time");
}

void ChannelStore::tell_given_up(std::uint64_t count) {
  if (const std::uint64_t channels = due(given_up_, count))
    report_(StoreNews::given_up,
            std::to_string(channels) +
                " channels with members or a history were given up to make room for others (since the "
                "last report, in this child): a larger WebSocketChannelMemory has room for more");
}

}  // namespace cppwebsocket::channels
