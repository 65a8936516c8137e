// What one connection may do in one turn of its thread before the others have theirs: work that a
// few bytes of its peer's, or of its handler's, can multiply, as inflating does a thousandfold. Where
// many want all of it, each gets less: what a round of their turns takes stays about the same.
// Thread: one; a reactor has one of these for all its connections, and one for its channels.
#pragma once

#include <algorithm>
#include <cstddef>

namespace cppwebsocket::protocol {

class TurnShare {
 public:
  // In bytes that are inflated from well compressed ones, the cheapest of this kind: some two
  // milliseconds on a slow machine. A turn may go beyond by its last step.
  static constexpr std::size_t per_turn = 256 << 10;
  static constexpr std::size_t per_round = 2 * per_turn;    // of those who want all of their turn,
  static constexpr std::size_t least_per_turn = 32 << 10;   // who get on all the same
  // What compressed bytes cost: a block of eleven that makes nothing has zlib build its tables anew.
  static constexpr std::size_t per_byte_read = 8;
  static constexpr std::size_t per_byte_compressed = 8;
  // A message larger than this is compressed in pieces, of this size at most.
  static constexpr std::size_t compressed_at_once = per_turn / per_byte_compressed;

  // Each connection has had its turn, or those that are ready now have. As many as took all of theirs
  // will want it again.
  void begin_round() noexcept {
    begin_turn();
    allowed_ = std::clamp(per_round / std::max<std::size_t>(used_up_, 1), least_per_turn, per_turn);
    used_up_ = 0;
  }
  void begin_turn() noexcept {
    if (used_up()) ++used_up_;
    used_ = 0;
  }
  bool used_up() const noexcept { return used_ >= allowed_; }

  // Bytes that were made by inflating, since the beginning.
  std::size_t inflated() const noexcept { return inflated_; }

  // How large a piece may be, in bytes, that is compressed in one step.
  std::size_t piece_size() const noexcept { return allowed_ / per_byte_compressed; }

  void count_inflated(std::size_t read, std::size_t made) noexcept {
    used_ += read * per_byte_read + made;
    inflated_ += made;
  }
  void count_compressed(std::size_t bytes) noexcept { used_ += bytes * per_byte_compressed; }
  void count_copied(std::size_t bytes) noexcept { used_ += bytes; }

 private:
  std::size_t allowed_ = per_turn;
  std::size_t used_ = 0;
  std::size_t used_up_ = 0;  // turns of this round
  std::size_t inflated_ = 0;
};

}  // namespace cppwebsocket::protocol
