// What has passed on one connection: in all, and in its turn so far.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <cppwebsocket/detail/operations.hpp>

namespace cppwebsocket::runtime {

// Of one turn: its end has it counted where it belongs (Wire::settle), for all messages at once.
struct Traffic {
  std::uint64_t messages_in = 0, messages_out = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;  // payload, as the handler has it: not compressed, without headers

  bool is_empty() const noexcept { return (messages_in | messages_out | bytes_in | bytes_out) == 0; }
};

// A part of each connection, so that no byte of it is to spare. Thread: the session's; what goes out, whoever has the
// wire (Wire::lend).
struct Tally : Traffic {
  // Of the counters of its handler (Sheet): where it has them.
  std::uint64_t slot : 16 = 0;

  // When its session began. To some 65 µs.
  void begin(detail::TimePoint now) noexcept {
    begun_ = static_cast<std::uint64_t>(now.time_since_epoch().count()) >> 16;
  }
  std::chrono::nanoseconds age(detail::TimePoint now) const noexcept {
    const auto begun = std::chrono::nanoseconds(static_cast<std::int64_t>(begun_) << 16);
    return std::max<std::chrono::nanoseconds>(now.time_since_epoch() - begun, {});
  }

 private:
  std::uint64_t begun_ : 48 = 0;
};
static_assert(sizeof(Tally) == 40);

}  // namespace cppwebsocket::runtime
