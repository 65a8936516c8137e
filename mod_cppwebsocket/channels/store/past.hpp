// What a channel holds behind any position, read forward and in pieces, by several who come at their
// own pace. Each record knows only the one before it: so the chain is walked back once, over the
// heads of the records, and what is kept is where each piece ends. Nothing holds the records
// themselves: what is overwritten before it is read is told as a gap.
// Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "channels/store/key.hpp"
#include "channels/store/store.hpp"

namespace cppwebsocket::channels {

class Past {
 public:
  // A piece has no more, unless it is one record.
  static constexpr std::size_t piece_words = (32 << 10) / sizeof(shared::Word);
  static constexpr std::size_t piece_records = 256;

  // `store` outlives it.
  Past(const ChannelStore& store, std::string_view channel) noexcept;

  // The records of one epoch after `below`, up to `newest`. Equal ones of a channel have the same
  // content, as far as that is still there.
  struct Piece {
    std::uint64_t epoch = 0;
    std::uint64_t below = 0;
    std::uint64_t newest = 0;
    std::uint64_t link = 0;  // where the newest one is

    friend bool operator==(const Piece&, const Piece&) = default;
  };

  // The piece with what follows `at`. One that ends there: there is nothing, or not in its epoch.
  // Raises bad_alloc.
  Piece after(const Position& at);
  // What is there of it, oldest first. `is_first`: nothing ever was before the first. Raises bad_alloc.
  std::vector<Record> read(const Piece& piece, bool& is_first) const;

 private:
  void reach_up(const SeenChannel& seen);
  void reach_down(std::uint64_t offset);
  // Those between two offsets, the second included, whose record is at `link`; newest first. From then
  // on `link` says what is older.
  std::vector<Piece> walk(std::uint64_t& link, std::uint64_t below, std::uint64_t newest) const;

  // The piece's records, along the chain that begins at `link` with offsets below `end`.
  std::vector<Record> read_from(const Piece& piece, std::uint64_t link, std::uint64_t end,
                                bool& is_first) const;

  const ChannelStore& store_;
  const ChannelKey key_;
  std::uint64_t epoch_ = 0;
  std::deque<Piece> pieces_;  // oldest first, each beginning where the one before ends
  std::uint64_t rest_ = 0;    // what is before the first
};

}  // namespace cppwebsocket::channels
