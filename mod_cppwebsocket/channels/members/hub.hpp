// The hub: one in each httpd child, and all that its handlers know of channels. It finds the way from
// a connection to its reactor's members, counts them, and puts what is published into shared
// memory. Members get what their reactor reads from there, and nothing by any other way.
//
//   Hub::publish ─▶ ChannelStore ─▶ (all children) ChannelReader ─▶ ReactorChannels ─▶ sessions
//
// Two parts beside it are told what they need and may be absent: the Uplink to other machines, and
// the Directory of who is present.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <cppwebsocket/detail/channel_service.hpp>
#include <cppwebsocket/detail/request_record.hpp>

#include "channels/members/reservation.hpp"
#include "channels/store/store.hpp"

namespace cppwebsocket::runtime {
class EventLoop;
class LimitTable;
class LoopSource;
}  // namespace cppwebsocket::runtime

namespace cppwebsocket::channels {

class LocalMember;
class ReactorChannels;

// The way to other machines. Thread: any, several at once; none of it waits, or calls the hub back
// before it returns.
class Uplink {
 public:
  virtual ~Uplink() = default;

  // Whether it gives numbers to what has a history, the same ones for all machines.
  virtual bool gives_numbers() const noexcept = 0;

  // Publishes instead of the hub: into the store, or only there and back, as the channel needs.
  // The message's text is valid. `remarks` as Record::remarks.
  virtual PublishResult publish(std::string_view channel, HistoryBound bound, Message&& message,
                                std::string_view remarks) = 0;

  // The first member in this child has come, or the last has gone. For each channel in turn.
  virtual void in_use(std::string_view channel, bool used) = 0;

  // What the store does not have any more. Calls `done` once, on any thread, with the first of what was
  // found behind `after`: complete, or not. There is more as long as the last of the records is not
  // the newest. False: nothing more can be found; `done` is not called. Without `after`:
  // waits until the store has all that other machines have published so far, and finds nothing;
  // false if it has.
  virtual bool recover(std::string_view channel, std::optional<Position> after,
                       std::function<void(StoredHistory&&)> done) = 0;

  // Calls `done` once, on any thread, when all that other machines have published in `channel`, which is
  // in use, is in the store, and all that they will publish comes. False: that is so already, or the
  // link is down; `done` is not called.
  virtual bool when_current(std::string_view channel, std::function<void()> done) = 0;

  // What the engine has of a channel, as Backplane::read. False: the link is down; `done` is not called.
  virtual bool read(std::string_view channel, std::optional<Position> after, std::size_t most,
                    std::function<void(StoredHistory&&)> done) = 0;

  // Whether all that other machines publish in `channel` with a number comes here now.
  virtual bool knows_all(std::string_view channel) = 0;

  // A control record that this child has sent to the others of this machine.
  virtual void control(std::string_view channel, const Message& message) = 0;
};

// Who is present in which channel, in all children. Thread: any, several at once. It may call the
// hub's functions of the second group below, also while it holds a lock of its own: none of them
// calls it back.
class Directory {
 public:
  virtual ~Directory() = default;

  // A member of this child: `member.id` is made by the hub. Calls for one channel come in order.
  virtual void came(std::string_view channel, const Member& member) = 0;
  virtual void went(std::string_view channel, std::string_view id) = 0;

  // From other children, this child itself and, if `far`, other machines. Thread: the first
  // reactor's.
  virtual void control(std::string_view channel, const Record& record, bool far) = 0;

  // Some of them may be lost. Thread: the first reactor's.
  virtual void lost_control() = 0;

  virtual std::vector<Member> present(std::string_view channel) = 0;

  // Memberships in all children, which are asked. `here` is this child's own count. May wait.
  virtual std::size_t members(std::string_view channel, std::size_t here) = 0;
};

class Hub final : public detail::ChannelService {
 public:
  explicit Hub(ChannelStore& store);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Before any other thread uses the hub, and the directory before serve(). A hub without them is
  // complete.
  void set_uplink(std::unique_ptr<Uplink> uplink);
  void set_directory(std::unique_ptr<Directory> directory);
  // Where all children count their memberships by channel. Without, or once it was too small, members() asks.
  void set_member_counts(std::unique_ptr<runtime::LimitTable> counts);

  // What serves the members that are in `loop`, which is to run it. The first one is given control
  // records. For all loops before any of them runs one: there they look at each other.
  std::shared_ptr<runtime::LoopSource> serve(runtime::EventLoop& loop);

  // Channel::publish, for a publisher whose number is known: see Record::publisher. The user is told if the options say
  // so, and it is not too long. Thread: any.
  PublishResult publish(std::string_view channel, const ChannelOptions& options, Message&& message,
                        std::uint16_t publisher, Remarks remarks = {});

  // Backwards from Channel::history, and otherwise like that: the newest `most` before `before`. Raises bad_alloc.
  // Thread: any.
  History history_before(std::string_view channel, const Position& before, std::size_t most);

  // As ChannelStore::delete_history, of a channel whose history other machines do not have.
  bool deletes_histories() const noexcept { return !uplink_; }
  std::optional<Deleted> delete_history(std::string_view channel) noexcept { return store_.delete_history(channel); }

  // A place for a join later in a connection's life, which waits for a backplane as Channel::reserve does, but
  // not again once that was in vain. Thread: any that may wait.
  Reservation reserve(std::string_view channel, bool& has_waited_long);
  // The connection's next join of that channel begins there. Thread: the connection's.
  void take_place(Request& request, Reservation&& place);

  // --- for the Uplink and the Directory. Thread: any ------------------------------------------

  ChannelStore& store() noexcept { return store_; }
  const HubCounters& counters() const noexcept { return counters_; }

  // Sends a control record to all children, this one included, and over the uplink if `far`.
  void send_control(std::string_view channel, Message message, bool far = true);
  // Tells the members of this child who asked for events that `member` came or went.
  void tell(std::string_view channel, Publication::Kind kind, const Member& member);
  // The channels that have members in this child, with how many.
  std::vector<std::pair<std::string, std::size_t>> channels_in_use();

  // --- for ReactorChannels. Thread: the reactor's -------------------------------------------------

  Uplink* uplink() noexcept { return uplink_.get(); }
  Directory* directory() noexcept { return directory_.get(); }
  HubCounters& counters() noexcept { return counters_; }
  bool may_wait_here() const noexcept;  // not on a thread of its reactors
  // Raises BadOperationException where it may not. `what` waits.
  void must_not_wait_here(const char* what) const;
  void joined(LocalMember& member, const std::string& channel,
              const std::optional<std::string>& presence);
  void left(LocalMember& member, const std::string& channel) noexcept;
  // A place as of now. `is_current`: of a channel that has all from other machines. Raises bad_alloc.
  Place place(std::string_view channel, bool is_current) const;
  // What the connection has reserved there, and not yet taken; or nothing.
  Reservation take_reservation(detail::RequestRecord& record, std::string_view channel) noexcept;
  void end_reservation(const std::string& channel) noexcept;  // Thread: any

  // --- detail::ChannelService ---------------------------------------------------------------------

  PublishResult publish(std::string_view channel, const ChannelOptions& options,
                        Message&& message) override;
  std::size_t local_members(std::string_view channel) override;
  std::size_t members(std::string_view channel) override;
  std::vector<Member> presence(std::string_view channel) override;
  History history(std::string_view channel, std::optional<Position> after,
                  std::size_t most) override;
  bool try_lead(std::string_view channel) override;
  void stop_leading(std::string_view channel) noexcept override;

  void reserve(Request& request, std::string_view channel) override;
  void reserve(BlockingRequest& request, std::string_view channel) override;
  detail::Joined& join(Request& request, std::string_view channel, const ChannelOptions& options,
                       JoinOptions&& join) override;
  std::shared_ptr<detail::BlockingJoined> join(BlockingRequest& request, std::string_view channel,
                                               const ChannelOptions& options,
                                               JoinOptions&& join) override;
  void leave(detail::Joined& joined) noexcept override;
  void forget(detail::Joined& joined) noexcept override;
  PublishResult publish(detail::Joined& joined, Message&& message) override;
  std::string channel_of(const detail::Joined& joined) override;
  std::string id_of(const detail::Joined& joined) override;
  std::uint64_t dropped(const detail::Joined& joined) noexcept override;
  std::optional<Publication> try_receive(detail::Joined& joined) override;
  bool begin(detail::Joined& joined, detail::PublicationOperation& operation) override;
  bool begin(detail::Joined& joined, detail::RecoveryOperation& operation) override;

 private:
  bool knows_all_here(std::string_view channel);
  bool asks_engine(std::size_t most) const noexcept;

  // How many memberships each channel has in this child: in shards, so that reactors seldom meet.
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, std::size_t> members;   // GUARDED_BY(mutex); none is 0
    std::unordered_map<std::string, std::size_t> reserved;  // the same, with an uplink
  };
  Shard& shard_of(std::string_view channel) noexcept;
  ReactorChannels& channels_of(const runtime::EventLoop& loop);
  void count(std::string_view channel, std::size_t members) noexcept;
  void reserve(detail::RequestRecord& record, std::string_view channel);
  bool wait_for_uplink(std::string_view channel);

  ChannelStore& store_;
  std::unique_ptr<Uplink> uplink_;
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<runtime::LimitTable> member_counts_;
  std::vector<std::shared_ptr<ReactorChannels>> reactors_;
  std::array<Shard, 16> shards_;
  HubCounters& counters_;  // in the store's memory
  std::atomic<std::uint64_t> last_member_{0};
  std::mutex leading_mutex_;
  std::vector<std::string> leading_;  // GUARDED_BY(leading_mutex_): this child's leaderships
};

}  // namespace cppwebsocket::channels
