// The members of a reactor that are given a part of their channels' past. It goes in pieces, each when
// the client has taken the one before; members that are at the same place share the encoding. What a
// round of the reactor spends on it is bounded.
// Thread: the reactor's.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include <cppwebsocket/position.hpp>

#include "channels/members/shared_batch.hpp"
#include "channels/store/past.hpp"

namespace cppwebsocket::channels {

class LocalMember;
struct LocalChannel;

class Replays {
 public:
  explicit Replays(const ChannelStore& store) noexcept : store_(store) {}

  // What comes behind `at`, which is moved to its end. Null: there is nothing. Raises bad_alloc.
  std::shared_ptr<SharedBatch> next_piece(LocalChannel& channel, Position& at);

  // A member of the channel is given its past; and is not any more.
  void begin(LocalChannel& channel) noexcept;
  void end(LocalChannel& channel) noexcept;

  // `member` can go on: its LocalMember::go_on() is called soon, once.
  void list(LocalMember& member);
  void unlist(LocalMember& member) noexcept;
  bool empty() const noexcept { return listed_.empty(); }
  // Lets members go on, for a bounded time.
  void run();

 private:
  struct Known {
    const LocalChannel* channel;
    Past::Piece piece;
    std::shared_ptr<SharedBatch> batch;
  };
  std::shared_ptr<SharedBatch> find_or_read(const LocalChannel& channel, const Past::Piece& piece);
  std::shared_ptr<SharedBatch> read(const LocalChannel& channel, const Past::Piece& piece) const;

  const ChannelStore& store_;
  std::deque<LocalMember*> listed_;
  std::deque<Known> known_;  // the last that were read
  std::size_t known_bytes_ = 0;
};

}  // namespace cppwebsocket::channels
