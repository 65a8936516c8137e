// A blocking handler's membership, as its threads see it. What they wait for is here, so that it stays
// for as long as one of them waits; the LocalMember behind it stays with its reactor.
// Thread: any, but for what is marked.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <cppwebsocket/detail/channel_service.hpp>

#include "channels/members/receive_queue.hpp"
#include "runtime/loop/posted.hpp"
#include "runtime/session/handler_threads.hpp"

namespace cppwebsocket::channels {

class Hub;
class LocalMember;
class ReactorChannels;

class BlockingMember final : public detail::BlockingJoined,
                             public std::enable_shared_from_this<BlockingMember>,
                             private runtime::Posted {
 public:
  // Threads that are spawned after `now` may refer to it.
  BlockingMember(Hub& hub, ReactorChannels& reactor, std::string_view channel,
                 const ChannelOptions& options, bool receives,
                 const runtime::HandlerThreads::Moment& now);

  // --- Thread: the reactor's -------------------------------------------------------------------

  void set_member(LocalMember& member);  // before any thread has it
  std::shared_ptr<ReceiveQueue> queue() const noexcept { return queue_; }  // null: does not receive
  void recovered(const Recovery& recovery);
  void connection_ended(const std::exception_ptr& reason, bool clean);
  void connection_gone() noexcept { gone_ = true; }
  void missed(std::uint64_t count) noexcept { dropped_ += count; }
  // What its threads call when they have made room for more.
  std::function<void()> room_teller();

  // --- detail::BlockingJoined ------------------------------------------------------------------

  PublishResult publish(Message&& message) override;
  std::optional<Publication> receive(std::optional<detail::TimePoint> deadline) override;
  std::optional<Publication> try_receive() override;
  Recovery recovery() override;
  std::uint64_t dropped() const noexcept override { return dropped_; }
  std::string channel() const override { return channel_; }
  std::string id() const override { return id_; }
  void leave() noexcept override;
  void end_threads() noexcept override;

 private:
  ReceiveQueue& required_queue(const char* what) const;
  void end_recovery(std::exception_ptr reason);
  void run() noexcept override;  // it has left
  void drop() noexcept override { self_.reset(); }

  Hub& hub_;
  ReactorChannels& reactor_;
  const std::string channel_;
  const ChannelOptions options_;
  const runtime::HandlerThreads::Moment joined_;
  const std::shared_ptr<ReceiveQueue> queue_;
  std::string id_;
  std::uint16_t publisher_ = 0;
  std::string user_;
  LocalMember* member_ = nullptr;  // only the reactor's thread looks at it
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<bool> left_{false};
  std::shared_ptr<BlockingMember> self_;  // from leave() on, until the reactor knows
  std::atomic<bool> gone_{false};  // its connection

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Recovery> recovery_;  // GUARDED_BY(mutex_), as below
  std::exception_ptr no_recovery_;    // why there will be none
};

}  // namespace cppwebsocket::channels
