// The channels that have members on one reactor. In each round it reads what has come in shared
// memory, gathers it by channel, and gives it to the members; a great crowd in several rounds, so
// that the reactor's other sessions are not kept waiting.
// Thread: the reactor's, but for what is marked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "channels/members/local_member.hpp"
#include "channels/members/replays.hpp"
#include "channels/members/shared_batch.hpp"
#include "channels/store/reader.hpp"
#include "runtime/loop/loop_source.hpp"

namespace cppwebsocket::runtime {
class EventLoop;
}

namespace cppwebsocket::channels {

class Hub;

class ReactorChannels final : public runtime::LoopSource,
                              private ChannelReader::Sink,
                              private detail::TimerNode {
 public:
  ReactorChannels(Hub& hub, runtime::EventLoop& loop, unsigned number);
  ~ReactorChannels();

  runtime::EventLoop& loop() noexcept { return loop_; }  // Thread: any

  // In a turn of the session. Raises what Session::attach raises, and std::bad_alloc.
  LocalMember& join(runtime::Session& session, std::string_view channel,
                    const ChannelOptions& channel_options, JoinOptions&& options,
                    std::shared_ptr<BlockingMember> for_threads = nullptr);
  // It leaves, and is destroyed.
  void forget(LocalMember& member) noexcept;

  // Tells those in `channel` who asked for it that `member` came or went.
  void tell(std::string_view channel, Publication::Kind kind, const Member& member);

  // LoopSource
  int descriptor() const noexcept override { return reader_.wake_descriptor(); }
  bool prepare_to_wait() noexcept override;
  void waited() noexcept override { reader_.waited(); }
  void run() noexcept override;

  // A member that waits for it: looks how far back it can begin, and has it begin, or ask the uplink.
  // In a turn of its session.
  void look_back(LocalMember& member);
  void ask_for_more(LocalMember& member);

  // For members.
  Replays& replays() noexcept { return replays_; }
  std::vector<Member> present(std::string_view channel);
  void remove(LocalMember& member) noexcept;
  void count_delivered(std::uint64_t count) noexcept { delivered_ += count; }
  void count_dropped(std::uint64_t count) noexcept;
  void count_closed_slow() noexcept;

 private:
  void received(Follow& follow, Record&& record) override;
  void gap(Follow& follow, Position from, Position to) override;
  void given_early(Follow& follow, Record&& record) override;
  void control(std::string_view channel, Record&& record) override;
  void lost_control() override;

  LocalChannel& channel_named(std::string_view name, const ChannelOptions& options);
  void arrive(LocalChannel& channel, Arrival&& publication);
  void begin(LocalMember& member, const Place& place, const JoinOptions& options);
  bool ask_uplink(LocalMember& member, const std::optional<Position>& after);
  void recovered(std::uint64_t ticket, StoredHistory&& found);
  bool may_lag(const LocalMember& member, const Place& place) const noexcept;
  void begin_behind(LocalMember& member, const Extent& missed);
  bool knows_what_was_published(const LocalMember& member, const Position& newest) const noexcept;
  void deliver();
  void fetch_ahead(const LocalChannel& channel) const noexcept;
  void end_delivery() noexcept;
  void forget(LocalChannel& channel) noexcept;
  void settle(LocalChannel& channel) noexcept;
  void look_for_the_dead() noexcept;

  Hub& hub_;
  runtime::EventLoop& loop_;
  const bool is_first_;  // hears control records
  ChannelReader reader_;
  std::unordered_map<std::string_view, std::unique_ptr<LocalChannel>> channels_;
  std::deque<LocalChannel*> busy_;  // the first is being delivered, if there is a batch_
  std::optional<SharedBatch> batch_;
  std::size_t next_ = 0;    // in the members of busy_.front()
  std::size_t until_ = 0;   // who came later gets the next batch
  std::uint64_t delivered_ = 0;
  Replays replays_;
  std::unordered_map<std::uint64_t, LocalMember*> recovering_;  // that wait for the uplink
  std::uint64_t last_ticket_ = 0;
  bool more_to_read_ = false;
  protocol::TurnShare share_;       // of encoding
  bool delivering_ = false;         // members are on the stack
  std::vector<LocalMember*> left_;  // meanwhile; to be destroyed
};

}  // namespace cppwebsocket::channels
