#include "runtime/counters/sheet.hpp"

#include <algorithm>
#include <new>

#include "protocol/frames/utf8.hpp"

namespace cppwebsocket::runtime {

namespace {

constexpr std::size_t alignment = 64;  // a reactor's words share no line of the cache with another's

constexpr std::size_t rounded(std::size_t size) noexcept { return (size + alignment - 1) / alignment * alignment; }
constexpr std::size_t column_size = rounded(sizeof(Column));
constexpr std::size_t page_size(std::size_t reactors) noexcept {
  return rounded(sizeof(ChildCount)) + reactors * column_size;
}
static_assert(column_size == sizeof(Column) || alignof(Column) <= alignment);

// The bytes are zero or somebody's counters, and each of their words is an atomic number in either case.
template <typename T>
T* at(unsigned char* place) noexcept {
  return std::launder(reinterpret_cast<T*>(place));
}

}  // namespace

std::size_t place_of(CloseCode code) noexcept {
  if (code >= 3000) code = code >= 4000 ? 4000 : 3000;
  const auto found = std::find(counted_codes.begin(), counted_codes.end(), code);
  const auto other = std::find(counted_codes.begin(), counted_codes.end(), CloseCode{1006});
  return static_cast<std::size_t>((found == counted_codes.end() ? other : found) - counted_codes.begin());
}

std::size_t Sheet::bytes(std::size_t seats, std::size_t reactors) noexcept {
  return rounded(sizeof(Entry) * most_handlers) + seats * page_size(reactors);
}

Sheet::Sheet(void* memory, std::size_t seats, std::size_t reactors) noexcept
    : entries_(at<Entry>(static_cast<unsigned char*>(memory))),
      pages_(static_cast<unsigned char*>(memory) + rounded(sizeof(Entry) * most_handlers)),
      seats_(seats),
      reactors_(reactors) {}

Page Sheet::page(std::size_t seat) const noexcept {
  if (seat >= seats_) return {};
  unsigned char* const begin = pages_ + seat * page_size(reactors_);
  return {at<ChildCount>(begin), at<Column>(begin + rounded(sizeof(ChildCount))), reactors_};
}

Page Sheet::take(std::size_t seat) noexcept {
  const Page page = this->page(seat);
  if (page.child) page.child->pinned = 0;
  for (std::size_t i = 0; i < page.reactors; ++i)
    if (page.columns[i].used != 0)
      for (HandlerCounters& each : page.columns[i].handlers) each.open = 0;
  return page;
}

bool Sheet::is(const Entry& entry, std::string_view handler, Way way) const noexcept {
  if (entry.length != handler.size() || entry.way != static_cast<std::uint8_t>(way)) return false;
  return std::equal(handler.begin(), handler.end(), entry.text.begin(),
                    [](char c, const std::atomic<char>& its) { return c == its.load(std::memory_order_relaxed); });
}

std::uint16_t Sheet::slot_of(std::string_view handler, Way way) noexcept {
  handler = handler.substr(0, longest_name);
  for (std::size_t i = 1; i < most_handlers; ++i) {
    Entry& entry = entries_[i];
    std::uint64_t state = entry.state.load(std::memory_order_acquire);
    if (state == 0 && entry.state.compare_exchange_strong(state, 1)) {
      std::copy(handler.begin(), handler.end(), entry.text.begin());
      entry.length = static_cast<std::uint8_t>(handler.size());
      entry.way = static_cast<std::uint8_t>(way);
      entry.state.store(2, std::memory_order_release);
      return static_cast<std::uint16_t>(i);
    }
    // One that is being written may be this one: then it has two slots, and both are added up.
    if (state == 2 && is(entry, handler, way)) return static_cast<std::uint16_t>(i);
  }
  return 0;
}

std::optional<Sheet::Name> Sheet::name(std::size_t slot) const {
  if (slot == 0) return Name{"(others)", Way::tcp};
  if (slot >= most_handlers || entries_[slot].state.load(std::memory_order_acquire) != 2) return std::nullopt;
  const Entry& entry = entries_[slot];
  Name name{{}, static_cast<Way>(entry.way & 3)};
  for (std::size_t i = 0; i < std::min<std::size_t>(entry.length, longest_name); ++i) name.handler += entry.text[i];
  const bool is_text = protocol::is_utf8(name.handler);
  for (char& c : name.handler)
    if (static_cast<unsigned char>(c) < 0x20 || (!is_text && static_cast<unsigned char>(c) >= 0x80)) c = '?';
  return name;
}

}  // namespace cppwebsocket::runtime
