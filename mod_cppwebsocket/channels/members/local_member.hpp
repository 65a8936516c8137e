// One membership: what a connection has joined, and what still waits for it. It belongs to its
// handler's Membership, is listed in its reactor's channel, and is a guest of its session; it may
// outlive both. There may be a great many, so what few of them need is kept aside.
// Thread: its session's, but for what is marked.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cppwebsocket/detail/channel_service.hpp>

#include "channels/members/beginning.hpp"
#include "channels/members/receive_queue.hpp"
#include "channels/members/shared_batch.hpp"
#include "runtime/session/guest.hpp"

namespace cppwebsocket::runtime {
class Session;
}

namespace cppwebsocket::channels {

class BlockingMember;
class LocalMember;
struct Follow;
class Past;
class ReactorChannels;

// A channel that has members on one reactor.
struct LocalChannel {
  std::string name;
  ChannelOptions options;             // of its first member
  Follow* follow = nullptr;
  std::vector<LocalMember*> members;  // null: left in the middle of a delivery
  std::size_t count = 0;              // of those that are there
  std::vector<Arrival> arrived;       // read, and not yet given to anybody
  bool is_busy = false;               // something has arrived, or is being delivered
  std::size_t replays = 0;            // members that are being given its past
  std::size_t behind = 0;             // members that lack what others have got early
  std::unique_ptr<Past> past;         // as they read it

  LocalChannel();
  ~LocalChannel();
};

class LocalMember final : public detail::Joined, public runtime::SessionGuest {
 public:
  LocalMember(ReactorChannels& reactor, LocalChannel& channel, runtime::Session& session,
              const ChannelOptions& channel_options, const JoinOptions& options,
              std::shared_ptr<BlockingMember> for_threads);  // null: a coroutine handler's
  ~LocalMember();
  LocalMember(const LocalMember&) = delete;
  LocalMember& operator=(const LocalMember&) = delete;

  // Encodes what deliver() needs of `batch`. False: the share is used up before that is done.
  bool prepare(SharedBatch& batch, protocol::TurnShare& share);
  // Gives it `batch`, but for what is at or before its start. Outside of the session's turns.
  void deliver(SharedBatch& batch);

  // What it begins with, to be filled in right after the join. Until begin() it gets nothing: a
  // backplane is asked for what it missed, or the reactor has something else to do first. What comes
  // meanwhile without an offset, it holds.
  Beginning& begin_later();
  Beginning* its_beginning() const noexcept { return begins_ ? seldom_->beginning.get() : nullptr; }
  bool is_recovering() const noexcept { return begins_ && seldom_->beginning->recovering; }
  // Tells what became of its recovery and, if there is its_beginning(), gives it what follows
  // Beginning::first and `at`; then what comes. In a turn of the session.
  void begin(const Recovery& recovery);
  // Of the engine's, more has come, or nothing that it could go on with: it reads on in the rings.
  void go_on_with(StoredHistory&& found);
  // How far the others have got, of each origin, what it is to be given with its number.
  using Early = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  void lacks(Early&& early);
  // For Replays: it is given the next piece, or begins. Outside of the session's turns.
  void go_on();
  void list();  // for that, soon
  // A receiver has room again for what it is replayed.
  void has_room() noexcept;
  Recovery recovery() const noexcept {
    return {recovered_, seldom_ && seldom_->told ? *seldom_->told : start_};
  }

  bool begin(detail::PublicationOperation& operation);
  bool begin(detail::RecoveryOperation& operation);

  // Leaves the channel for good. Whoever waits for it is told, and runs before this returns.
  void leave() noexcept;
  // Raises BadOperationException once it has left, ConnectionTerminatedException if only its
  // connection has gone.
  void require_joined() const;

  void set_id(std::string id) { seldom().id = std::move(id); }

  runtime::Session* session() const noexcept { return session_; }  // null once removed
  ReactorChannels& reactor() const noexcept { return reactor_; }

  LocalChannel* channel() const noexcept { return channel_; }  // null once removed
  ChannelOptions options() const noexcept;  // not once removed
  std::uint64_t dropped() const noexcept { return seldom_ ? seldom_->dropped : 0; }
  std::string id() const { return seldom_ ? seldom_->id : std::string(); }
  ReceiveQueue* queue() const noexcept { return seldom_ ? seldom_->queue.get() : nullptr; }

  void refill(bool all) noexcept override;
  void given_up(const detail::Operation& operation) noexcept override;
  std::string_view channel_name() const noexcept override {
    return channel_ ? std::string_view(channel_->name) : std::string_view();
  }
  void session_ended() noexcept override;
  void session_gone() noexcept override;

 private:
  friend class ReactorChannels;

  static constexpr std::uint32_t last_place = 0xff'ffff;
  static constexpr char too_slow[] = "too slow for the channel";

  // Whole messages that wait for room, and are sent from where all members have them.
  struct Waiting {
    protocol::SharedBytes bytes;
    std::size_t begin, end;
    bool is_message;  // and may be dropped
    Position position;
    std::size_t payload;  // bytes
  };

  // What most members never have.
  struct Seldom {
    std::deque<Waiting> backlog;
    std::size_t bytes = 0;             // of the messages in it
    std::optional<Position> gap;       // the last that was dropped, and is not told yet
    std::uint64_t dropped = 0;
    std::string id;
    std::string tag;                        // JoinOptions::tag
    std::optional<ChannelOptions> options;  // where they are not the channel's
    std::shared_ptr<ReceiveQueue> queue;
    detail::RecoveryOperation* awaiting = nullptr;
    std::shared_ptr<BlockingMember> for_threads;
    std::unique_ptr<Beginning> beginning;
    Early lacking;                 // see lacks()
    std::optional<Position> told;  // as its Recovery's, where that is not its start any more
  };

  Seldom& seldom();
  void remove() noexcept;
  void forget_seldom() noexcept;
  Form form() const noexcept;
  void write(const Encoded& encoded, const SharedBatch& batch, std::size_t first);
  void keep(const Encoded& encoded, const SharedBatch& batch, std::size_t first);
  bool make_room(std::size_t size, const Position& position);
  void send_own(std::string&& encoded);
  bool can_tell_gaps() const noexcept;
  void tell_gap();
  void tell_beginning(const Recovery& recovery);
  void give(SharedBatch& batch);
  void give_shared(SharedBatch& batch);
  bool has_it_early(const Arrival& arrival);
  bool is_excepted(const Arrival& arrival) const noexcept;
  bool is_excepted_from(const SharedBatch& batch) const noexcept;
  void leave_out_excepted(std::vector<Arrival>& arrivals) const;
  std::shared_ptr<SharedBatch> its_part(std::shared_ptr<SharedBatch> piece) const;
  void deliver_later(SharedBatch& batch);
  void hold(const Arrival& publication);
  void replay();
  bool next_piece(Beginning& own);
  bool find_piece(Beginning& own);
  bool give_piece(Beginning& own);
  bool put_piece(Beginning& own);
  void end_replay();
  bool is_lost(const SharedBatch& batch, std::size_t first);
  void compact(std::size_t first);
  void put(SharedBatch& batch, std::size_t first);
  bool put(const Arrival& publication);
  void wake_receiver();
  void missed(std::uint64_t count);
  void close(std::string_view reason);

  ReactorChannels& reactor_;
  LocalChannel* channel_;
  runtime::Session* session_;
  Position start_;
  std::unique_ptr<Seldom> seldom_;
  const std::uint32_t limit_;    // bytes
  std::uint32_t place_ : 24 = 0;  // in the channel's list, which the reactor keeps
  const SlowPolicy slow_ : 2;
  const bool receives_ : 1;
  const bool json_ : 1;
  const bool events_ : 1;
  bool left_ : 1 = false;
  bool begins_ : 1 = false;  // has a Beginning
  bool recovered_ : 1 = false;
};

}  // namespace cppwebsocket::channels
