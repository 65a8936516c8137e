// The sheet: what all children of one httpd count, over all graceful restarts. It lies in memory that they share; each
// child has a page of it, by its seat, and each reactor a column of that page, which it alone writes. So counting costs no
// locked instruction, and a child that dies takes nothing away: whoever has its seat next counts on.
//
//   names │ page of seat 0: of the child, column of reactor 0, column 1 … │ page of seat 1 …
//
// Whoever reads adds up. Children may write anything there (ARCHITECTURE, "Hostility"): a name is read as bytes of a
// bounded number, and no number of it is an index. httpd's parent reads nothing of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <cppwebsocket/close.hpp>

#include "runtime/counters/count.hpp"

namespace cppwebsocket::runtime {

// How a connection has come from httpd to its session.
enum class Way : std::uint8_t { tcp, tls, http2, filters };
inline constexpr const char* name_of(Way way) noexcept {
  constexpr const char* names[] = {"tcp", "tls", "http2", "filters"};
  return names[static_cast<unsigned>(way) & 3];
}

// Of which close codes there is a count. `none`: the connection was cut, or the peer's Close had no code.
inline constexpr std::array<CloseCode, 15> counted_codes = {1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008,
                                                            1009, 1010, 1011, 1012, 1013, 3000, 4000};
std::size_t place_of(CloseCode code) noexcept;  // in counted_codes: 3000 and 4000 stand for their thousands

// Of one handler by one way, in one reactor.
struct HandlerCounters {
  Count open{0};    // now
  Count opened{0};
  Count messages_in{0}, messages_out{0};
  Count bytes_in{0}, bytes_out{0};  // payload
  Count exceptions{0};              // that escaped it
  Count dropped{0};                 // messages for it, by a channel's policy for slow members
  std::array<Count, counted_codes.size()> closed{};
  Count seconds{0};  // that those which are closed were open, all together
};

constexpr std::size_t most_handlers = 128;  // by way; the first is for all that have no room

// Of one reactor.
struct Column {
  Count used{0};          // 1: there is such a reactor
  Count in{0}, out{0};    // bytes, from and to its sockets; of TLS, as they are inside
  Count out_by_threads{0};  // of blocking handlers, which write it
  TimeHistogram rounds;   // of one in each `sampled`: from epoll's answer until it waits again
  TimeHistogram turns;    // in those: one session's turn
  TimeHistogram waits;    // how long output waited for a slow peer
  static constexpr unsigned sampled = 16;
  std::array<HandlerCounters, most_handlers> handlers{};
};

enum class Refused : std::uint8_t { malformed, origin, full, handler, failed, limit, application };
inline constexpr std::array<const char*, 7> refusals = {"malformed", "origin", "no_room", "handler",
                                                        "failed", "limit", "application"};

// Of one child, whose threads all write it.
struct ChildCount {
  std::array<Count, refusals.size()> refused{};
  TimeHistogram handshakes;  // from the request's head to the answer
  Count log_lines{0};          // of WebSocketLog
  Count log_lines_lost{0};
  Count stalls{0};   // times that an event thread was held up (WebSocketStallWarning)
  Count pinned{0};   // bytes, a second ago at most: what WebSocketMemory bounds
  Count slowed{0};   // connections that were not read from for a while, on account of that
  Count closed_for_memory{0};
  std::array<Count, 3> hook_answers{};  // of applications: yes, no, none
  TimeHistogram hooks;                  // how long those took
  Count hook_events_lost{0};            // that one was to be told of
};

// One child's part. Thread: any.
struct Page {
  ChildCount* child = nullptr;
  Column* columns = nullptr;
  std::size_t reactors = 0;  // of which there is a column
};

class Sheet {
 public:
  // For so many seats, and reactors in each child.
  static std::size_t bytes(std::size_t seats, std::size_t reactors) noexcept;

  // On `memory` of bytes(), which is zero at first and aligned as a page. Lives as long as that.
  Sheet(void* memory, std::size_t seats, std::size_t reactors) noexcept;

  std::size_t seats() const noexcept { return seats_; }
  std::size_t reactors() const noexcept { return reactors_; }

  // The page of a child that takes this seat now: nothing is open there any more. Thread: child_init's.
  Page take(std::size_t seat) noexcept;
  Page page(std::size_t seat) const noexcept;

  // The slot of a handler by this way; 0 where there is no room for another. Thread and process: any.
  std::uint16_t slot_of(std::string_view handler, Way way) noexcept;
  // What has this slot: nothing if nobody has, and for what cannot be a name.
  struct Name {
    // 120 bytes of it at most; "(others)" of the first slot. Printable UTF-8, or Prometheus would refuse all: what is not is '?'.
    std::string handler;
    Way way;
  };
  std::optional<Name> name(std::size_t slot) const;

 private:
  static constexpr std::size_t longest_name = 120;
  struct Entry {
    Count state{0};  // 0: free; 1: being written; 2: it stays
    std::array<std::atomic<char>, longest_name> text{};
    std::atomic<std::uint8_t> length{0}, way{0};
  };
  bool is(const Entry& entry, std::string_view handler, Way way) const noexcept;

  Entry* const entries_;  // most_handlers
  unsigned char* const pages_;
  const std::size_t seats_, reactors_;
};

}  // namespace cppwebsocket::runtime
