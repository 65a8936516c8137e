// A record: one message on its way through a channel's shared memory, and what the store answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <cppwebsocket/message.hpp>
#include <cppwebsocket/position.hpp>

#include "channels/store/remarks.hpp"

namespace cppwebsocket::channels {

enum class RecordKind : std::uint8_t {
  message,      // numbered by the store; for all children
  numbered,     // the same, but epoch and offset are the caller's (another machine's count)
  provisional,  // for all children; has no offset yet and may come again as `numbered`
  loose,        // for the readers of the same child only; has no offset
  control,      // for the first reader of every child, whether it follows the channel or not
  lost,         // as `numbered`, but without a message: stands for those that nobody can give
  missed,       // as `loose`, but without a message: some that had no offset are lost
};

// Whether who publishes it gives epoch and offset, and the origin stays.
constexpr bool is_numbered(RecordKind kind) noexcept {
  return kind == RecordKind::numbered || kind == RecordKind::lost;
}

constexpr bool is_for_same_child(RecordKind kind) noexcept {
  return kind == RecordKind::loose || kind == RecordKind::missed;
}

// Epochs that a backplane's engine begins have this bit, and those of the ChannelStore do not: so it
// is seen who numbers a channel.
inline constexpr std::uint64_t engine_epoch = 1ULL << 63;

// Publishers are told apart by so many numbers.
inline constexpr std::uint16_t most_publishers = 1 << 12;

// What a channel keeps. Shared memory is finite: it may keep less.
struct HistoryBound {
  std::uint32_t messages = 0;  // 0: none
  std::uint32_t seconds = 0;   // 0: no limit

  friend bool operator==(const HistoryBound&, const HistoryBound&) = default;
};

struct Record {
  RecordKind kind = RecordKind::message;
  Message message;
  Position position;           // {0, 0} where the kind has no offset
  std::uint64_t origin = 0;    // the child that published it first; random, never 0
  std::uint64_t sequence = 0;  // counts up per origin
  std::int64_t time_ms = 0;    // of the system clock when it was stored; 0 in publish(): now
  HistoryBound bound;          // 0 messages in publish(): as the channel had it before
  // Below most_publishers: a number that one publisher always has and few others; 0: it is not known.
  std::uint16_t publisher = 0;
  std::string remarks;  // packed Remarks: at most longest_remarks bytes
};

enum class StoreResult : std::uint8_t {
  stored,
  too_large,      // more than ChannelStore::largest_payload(), or a name above 255 bytes
  already_there,  // `numbered`: the channel has come as far as this already
  no_room,        // no table entry: every channel that could make room has a leader
};

struct Stored {
  StoreResult result = StoreResult::stored;
  Position position;           // of the record; {0, 0} if it has none
  std::uint64_t sequence = 0;  // of the record
};

// Where somebody stands who is to get all that is published from a moment on.
struct Place {
  Position position;  // of the channel's newest message then
  // Of the rings that have records without an offset, by seat; empty where nobody publishes such.
  std::vector<std::uint64_t> heads;
  bool is_current = true;  // all that other machines had published by then is at `position` or before
};

// How far back a channel goes: what is after `from`, up to `newest`.
struct Extent {
  Position newest;
  Position from;
  bool complete = false;  // as StoredHistory::complete
};

// What has become of a history that was to be deleted.
struct Deleted {
  Position position;         // of the channel, as before; {0, 0}: it is not known
  std::size_t messages = 0;  // that it had
};

struct StoredHistory {
  std::vector<Record> records;  // oldest first
  Position newest;              // of the channel, when it was looked at
  // Nothing between `after` and `newest` is missing, and the epoch is the same. Without `after`:
  // true.
  bool complete = false;
  // The offset up to which it was looked, if that is known; what was of no use there is not among the records.
  std::uint64_t looked_to = 0;
  // It could not be looked: whoever was asked does not let it be read. Nothing of the above is known.
  bool refused = false;
};

}  // namespace cppwebsocket::channels
