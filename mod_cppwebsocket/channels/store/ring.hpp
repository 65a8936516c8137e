// One ring of records. Its only writer is the child that has the seat; anybody reads, copying first
// and then looking whether the writer had come round meanwhile.
//
//   word 0 its own position  1 bytes of payload, name, kind, type, copy, publisher  2 3 key  4 epoch  5 offset
//        6 previous Location  7 origin  8 sequence  9 time  10 bound  | name | payload, each padded
//
// The name is a channel's in control records, and in others it is what a record says beside its message (Remarks), or empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "channels/store/key.hpp"
#include "channels/store/layout.hpp"
#include "channels/store/record.hpp"

namespace cppwebsocket::channels {

// A record's fixed part.
struct RecordHead {
  static constexpr std::size_t words = 11;

  ChannelKey key;
  RecordKind kind = RecordKind::message;
  bool is_text = true;
  bool is_copy = false;         // of a record that its readers have had (history_keeper.hpp)
  std::uint16_t publisher = 0;  // Record::publisher
  std::uint8_t name_size = 0;
  std::uint32_t payload_size = 0;
  Position position;
  std::uint64_t previous = shared::Location::none;
  std::uint64_t origin = 0;
  std::uint64_t sequence = 0;
  std::int64_t time_ms = 0;
  HistoryBound bound;

  std::size_t total_words() const noexcept {
    return words + (name_size + 7u) / 8 + (std::size_t{payload_size} + 7) / 8;
  }
};

class Ring {
 public:
  Ring(shared::RingMarks& marks, shared::Word* words, std::size_t size) noexcept
      : marks_(marks), words_(words), size_(size) {}

  std::uint64_t head() const noexcept { return marks_.head.load(std::memory_order_seq_cst); }
  // Words of one record at most.
  std::size_t most_words() const noexcept { return size_ / 4; }

  // --- the writer
  // ---------------------------------------------------------------------------------

  // Writes the record at the head, where nobody sees it yet; returns its position.
  std::uint64_t write(const RecordHead& head, std::string_view name,
                      std::string_view payload) noexcept;
  // Changes what the record's place in its channel decides.
  void place(std::uint64_t at, Position position, std::uint64_t previous) noexcept;
  void announce(std::uint64_t end) noexcept { marks_.head.store(end, std::memory_order_seq_cst); }

  // --- readers
  // ------------------------------------------------------------------------------------

  // The record at `at`, if it is whole and not overwritten. Trusts nothing that it finds.
  std::optional<RecordHead> read(std::uint64_t at) const noexcept;
  // The rest of it; false if it was overwritten meanwhile. Raises bad_alloc.
  bool read_rest(std::uint64_t at, const RecordHead& head, std::string* name,
                 std::string& payload) const;
  // Whether what was copied from `at` on was still there afterwards.
  bool is_valid(std::uint64_t at) const noexcept;
  // Has the memory of a record's fixed part come into the cache.
  void fetch(std::uint64_t at) const noexcept;
  // Whether something was begun beyond the head.
  bool has_unannounced() const noexcept;

 private:
  shared::RingMarks& marks_;
  shared::Word* words_;
  std::size_t size_;  // in words
};

// Of what read_rest() has given; `remarks` are the name, if it is no control record.
Record record_of(const RecordHead& head, std::string&& payload, std::string&& remarks) noexcept;

// Of the system clock, as RecordHead::time_ms.
std::int64_t system_ms() noexcept;

// Whether a channel that keeps messages for so many seconds (0: for ever) has let go of this one.
inline bool is_expired(const RecordHead& head, std::uint32_t seconds, std::int64_t now_ms) noexcept {
  return seconds != 0 && head.time_ms < now_ms - std::int64_t{seconds} * 1000;
}

}  // namespace cppwebsocket::channels
