// One membership: what a connection has joined, and what still waits for it. It belongs to its
// handler's Membership, is listed in its reactor's channel, and is a guest of its session; it may
// outlive both. There may be a great many, so what few of them need is kept aside.
// Thread: its session's, but for what is marked.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <cppwebsocket/detail/channel_service.hpp>

#include "channels/members/receive_queue.hpp"
#include "channels/members/shared_batch.hpp"
#include "runtime/session/guest.hpp"

namespace cppwebsocket::runtime {
class Session;
}

namespace cppwebsocket::channels {

class LocalMember;
struct Follow;
class ReactorChannels;

// A channel that has members on one reactor.
struct LocalChannel {
  std::string name;
  ChannelOptions options;             // of its first member
  Follow* follow = nullptr;
  std::vector<LocalMember*> members;  // null: left in the middle of a delivery
  std::size_t count = 0;              // of those that are there
  std::vector<Publication> arrived;   // read, and not yet given to anybody
  bool is_busy = false;               // something has arrived, or is being delivered
};

class LocalMember final : public detail::Joined, public runtime::SessionGuest {
 public:
  LocalMember(ReactorChannels& reactor, LocalChannel& channel, runtime::Session& session,
              const ChannelOptions& channel_options, const JoinOptions& options, bool blocking);
  ~LocalMember();
  LocalMember(const LocalMember&) = delete;
  LocalMember& operator=(const LocalMember&) = delete;

  // Gives it `batch`, but for what is at or before its start. Outside of the session's turns.
  void deliver(SharedBatch& batch);
  // Gives it what it missed or asked for, in a turn of the session, and tells what became of its
  // recovery. From now on it gets what comes behind `recovery.position`.
  void begin_with(SharedBatch& missed, const Recovery& recovery);
  // Until begin_with() it gets nothing: a backplane is asked for what it missed.
  void await_recovery() noexcept { recovering_ = true; }
  bool is_recovering() const noexcept { return recovering_; }
  Recovery recovery() const noexcept { return {recovered_, start_}; }
  // Calls `told` once it is not recovering any more, or its connection has ended.
  void when_recovered(std::function<void()> told);

  bool begin(detail::PublicationOperation& operation);
  bool begin(detail::RecoveryOperation& operation);

  // Detaches it from its session and its channel, which forgets it.
  void remove() noexcept;

  void set_id(std::string id) { seldom().id = std::move(id); }

  runtime::Session* session() const noexcept { return session_; }  // null once removed
  ReactorChannels& reactor() const noexcept { return reactor_; }

  // Thread: also that of a blocking handler.
  LocalChannel* channel() const noexcept { return channel_; }  // null once removed
  ChannelOptions options() const noexcept;  // not once removed
  std::uint64_t dropped() const noexcept { return seldom_ ? seldom_->dropped.load() : 0; }
  std::string id() const { return seldom_ ? seldom_->id : std::string(); }
  ReceiveQueue* queue() const noexcept { return seldom_ ? seldom_->queue.get() : nullptr; }
  bool is_blocking() const noexcept { return blocking_; }

  void refill(bool all) noexcept override;
  void session_ended() noexcept override;
  void session_gone() noexcept override;

 private:
  friend class ReactorChannels;

  static constexpr std::uint32_t last_place = 0xff'ffff;

  // Whole messages that wait for room, and are sent from where all members have them.
  struct Waiting {
    protocol::SharedBytes bytes;
    std::uint32_t begin, end;
    bool is_message;  // and may be dropped
    Position position;
  };

  // What most members never have.
  struct Seldom {
    std::deque<Waiting> backlog;
    std::size_t bytes = 0;             // of the messages in it
    std::optional<Position> gap;       // the last that was dropped, and is not told yet
    std::atomic<std::uint64_t> dropped{0};
    std::string id;
    std::optional<ChannelOptions> options;  // where they are not the channel's
    std::unique_ptr<ReceiveQueue> queue;
    detail::RecoveryOperation* awaiting = nullptr;
    std::function<void()> told;
  };

  Seldom& seldom();
  void forget_seldom() noexcept;
  Form form() const noexcept;
  void write(const Encoded& encoded, const SharedBatch& batch, std::size_t first);
  void keep(const Encoded& encoded, const SharedBatch& batch, std::size_t first);
  bool make_room(std::size_t size, const Position& position);
  void send_made(const std::string& json);
  void send_own(std::string&& encoded);
  bool can_tell_gaps() const noexcept;
  void tell_gap();
  void put(SharedBatch& batch, std::size_t first);
  bool put(const Publication& publication);
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
  const bool blocking_ : 1;
  bool recovering_ : 1 = false;
  bool recovered_ : 1 = false;
};

}  // namespace cppwebsocket::channels
