// The server's half of channels. Handlers use channel.hpp and the memberships instead; a part of the
// handler ABI.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cppwebsocket/detail/operations.hpp>
#include <cppwebsocket/exceptions.hpp>
#include <cppwebsocket/publication.hpp>

namespace cppwebsocket {

class Request;
class BlockingRequest;

namespace detail {

// What the server knows of a coroutine handler's membership. It lives until forget(), also if its
// connection does not.
struct Joined {};

// The same for a blocking handler's. Whoever waits in it holds it. Thread: any.
class BlockingJoined {
 public:
  virtual PublishResult publish(Message&& message) = 0;
  virtual std::optional<Publication> receive(std::optional<TimePoint> deadline) = 0;
  virtual std::optional<Publication> try_receive() = 0;
  virtual Recovery recovery() = 0;
  virtual std::uint64_t dropped() const noexcept = 0;
  virtual std::string channel() const = 0;
  virtual std::string id() const = 0;
  virtual void leave() noexcept = 0;
  // Ends the threads that may refer to the membership, which is about to go.
  virtual void end_threads() noexcept = 0;

 protected:
  ~BlockingJoined() = default;
};

// A coroutine that waits for a membership.
struct PublicationOperation : Operation {
  PublicationOperation() noexcept : Operation(OperationKind::publication) {}
  std::optional<Publication> publication;  // empty: the peer closed cleanly
};
struct RecoveryOperation : Operation {
  RecoveryOperation() noexcept : Operation(OperationKind::recovery) {}
  Recovery recovery;
};

class ChannelService {
 public:
  // Thread: any.
  virtual PublishResult publish(std::string_view channel, const ChannelOptions& options,
                                Message&& message) = 0;
  virtual std::size_t local_members(std::string_view channel) = 0;
  virtual std::size_t members(std::string_view channel) = 0;
  virtual std::vector<Member> presence(std::string_view channel) = 0;
  virtual History history(std::string_view channel, std::optional<Position> after,
                          std::size_t most) = 0;
  virtual bool try_lead(std::string_view channel) = 0;
  virtual void stop_leading(std::string_view channel) noexcept = 0;

  // Thread: an httpd worker, during the handshake.
  virtual void reserve(Request& request, std::string_view channel) = 0;
  virtual void reserve(BlockingRequest& request, std::string_view channel) = 0;

  // Thread: the connection's; a thread of the blocking handler's.
  virtual Joined& join(Request& request, std::string_view channel, const ChannelOptions& options,
                       JoinOptions&& join) = 0;
  virtual std::shared_ptr<BlockingJoined> join(BlockingRequest& request, std::string_view channel,
                                               const ChannelOptions& options,
                                               JoinOptions&& join) = 0;

  // Of one membership. Thread: the connection's.
  virtual void leave(Joined& joined) noexcept = 0;
  virtual void forget(Joined& joined) noexcept = 0;  // leaves, too
  virtual PublishResult publish(Joined& joined, Message&& message) = 0;
  virtual std::string channel_of(const Joined& joined) = 0;
  virtual std::string id_of(const Joined& joined) = 0;
  virtual std::uint64_t dropped(const Joined& joined) noexcept = 0;
  virtual std::optional<Publication> try_receive(Joined& joined) = 0;
  // True if it completed at once.
  virtual bool begin(Joined& joined, PublicationOperation& operation) = 0;
  virtual bool begin(Joined& joined, RecoveryOperation& operation) = 0;

 protected:
  ~ChannelService() = default;
};

// One for each handler file, set by the server when it loads the file. Null elsewhere.
[[gnu::visibility("hidden")]] inline ChannelService* channel_service = nullptr;

inline ChannelService& channels() {
  if (!channel_service) throw BadOperationException("there are no channels here");
  return *channel_service;
}

}  // namespace detail
}  // namespace cppwebsocket
