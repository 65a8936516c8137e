// What a record says beside its message, which most do not: packed into one short text, as it is kept and sent.
// Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cppwebsocket::channels {

inline constexpr std::size_t longest_remarks = 255;  // bytes, packed
inline constexpr std::size_t longest_tag = 64;       // bytes; of an event's name, too
inline constexpr std::uint32_t longest_ttl_s = 365 * 24 * 3600;

struct Remarks {
  std::string user;            // who published it, if that is to be told
  std::string event;           // its name in an event stream
  std::uint32_t retry_ms = 0;  // there: after how long a client that has lost it comes back; 0: nothing is said
  std::uint32_t ttl_s = 0;     // after that it is in no history; 0: as long as the history keeps it
  std::string except;          // members with this tag do not get it

  friend bool operator==(const Remarks&, const Remarks&) = default;
};

// Whether it may be a tag, or the name of an event: not empty, at most longest_tag bytes, no control characters.
bool may_be_tag(std::string_view text) noexcept;
// And none that event streams have for other things.
bool may_be_event(std::string_view name) noexcept;

// Empty if there are none; nothing if they are too long together. None has a NUL in it.
std::optional<std::string> packed(const Remarks& remarks);
// Of what is no such text, what can be read. Raises std::bad_alloc.
Remarks unpacked(std::string_view text);

}  // namespace cppwebsocket::channels
