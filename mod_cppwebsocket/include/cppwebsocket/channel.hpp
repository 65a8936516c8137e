// Channel: a name that reaches everyone who has joined it, in every connection, thread and child of
// this httpd, and on every machine behind the same WebSocketBackplane.
//
//   Task<> web_socket_transfer_data(Request& request) {
//     auto room = Channel::named("chat").join(request);
//     while (auto message = co_await msgutil::receive_message(request))
//       room.publish(std::move(*message));
//   }
//
// A channel exists as long as somebody uses it; there is nothing to create or to delete. In each
// channel all members see all messages in one and the same order, and each once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cppwebsocket/detail/channel_name.hpp>
#include <cppwebsocket/detail/channel_service.hpp>
#include <cppwebsocket/exceptions.hpp>
#include <cppwebsocket/publication.hpp>

namespace cppwebsocket {

class Request;
class BlockingRequest;
class Membership;          // membership.hpp
class BlockingMembership;  // blocking_membership.hpp
class Leadership;

// A plain value: copy it, keep it, make it anew each time. Thread: any. Every function but named()
// raises BadOperationException where there is no server, as in a handler's static constructors.
class Channel {
 public:
  // UTF-8 without control characters (U+0000 to U+001F, U+007F), 1 to max_channel_name bytes; else
  // raises BadOperationException, which says what is wrong. Names are shared by all handlers and
  // virtual hosts of this httpd.
  static Channel named(std::string name, ChannelOptions options = {}) {
    if (const char* why = detail::why_no_channel_name(name)) throw BadOperationException(why);
    return Channel(std::move(name), options);
  }
  // Whether named() takes it: for names that come from a client.
  static bool may_be_named(std::string_view name) noexcept {
    return detail::why_no_channel_name(name) == nullptr;
  }

  const std::string& name() const noexcept { return name_; }
  const ChannelOptions& options() const noexcept { return options_; }

  // Gives `message` to all members, also to those of the caller's own connection. Never waits: a slow
  // member is dealt with by its own policy. Raises InvalidUTF8Exception for a text that is not
  // UTF-8; nothing was published then.
  PublishResult publish(Message message) const {
    return detail::channels().publish(name_, options_, std::move(message));
  }

  // In web_socket_do_extra_handshake: takes this connection's place in the channel. The first join of
  // it in web_socket_transfer_data begins there: the member gets everything that is published from
  // this call on, and so all that a client publishes, or has published, once it knows that it is
  // connected. Without it a member gets what is published after its join. What has become too much for
  // WebSocketChannelMemory by the time of the join is told as a gap. With a backplane it may wait for
  // that, a second at most. Raises BadOperationException after the handshake.
  // Thread: the one that runs web_socket_do_extra_handshake.
  void reserve(Request& request) const { detail::channels().reserve(request, name_); }
  void reserve(BlockingRequest& request) const { detail::channels().reserve(request, name_); }

  // Makes this connection a member until the returned object goes. From now on messages go straight
  // to the client, between the handler's own and never inside a fragmented one. So does what
  // JoinOptions asks for of the past, in pieces as the client takes it. A connection may
  // join many channels, and one channel several times; then it gets each message several times.
  // Raises BadOperationException during the handshake and for a `presence` above max_presence,
  // ConnectionTerminatedException at the end.
  // Thread: the connection's; a blocking handler's own or one that it spawned.
  Membership join(Request& request, JoinOptions options = {}) const;
  BlockingMembership join(BlockingRequest& request, JoinOptions options = {}) const;

  // Memberships in this child process, and in all children of this httpd (an estimate, as others
  // come and go meanwhile). The second may have to ask them, and then waits 250 ms at most, so a coroutine does it
  // like this; where it may not wait it raises BadOperationException:
  //
  //   co_await request.run_blocking([&] { return channel.members(); })
  std::size_t local_members() const { return detail::channels().local_members(name_); }
  std::size_t members() const { return detail::channels().members(name_); }

  // Who is visible, as far as this child has heard: exactly those that joined before everything
  // that it has received so far.
  std::vector<Member> presence() const { return detail::channels().presence(name_); }

  // What came after `after`, from the oldest on, or without it the newest; `most` at most. Whoever wants
  // all asks again behind the last of them. Where it may wait (a blocking handler, `run_blocking`), Redis is
  // asked for what all machines have published, for a second at most; on an event thread, and where that gives no
  // answer, this is from the httpd's memory, and `complete` only where all machines' messages come to this child.
  History history(std::optional<Position> after = {}, std::size_t most = 100) const {
    return detail::channels().history(name_, after, most);
  }

  // Empty, or the one leadership that this channel has in the whole httpd: for work that one
  // producer does for all. It is free again when the returned object goes, or when its child dies;
  // so others should try again from time to time.
  std::optional<Leadership> try_lead() const;

 private:
  Channel(std::string name, ChannelOptions options) noexcept
      : name_(std::move(name)), options_(options) {}

  std::string name_;
  ChannelOptions options_;
};

// See Channel::try_lead. Thread: any, one at a time.
class Leadership {
 public:
  Leadership(Leadership&& other) noexcept : channel_(std::exchange(other.channel_, {})) {}
  Leadership& operator=(Leadership&& other) noexcept {
    std::swap(channel_, other.channel_);
    return *this;
  }
  ~Leadership() {
    if (!channel_.empty()) detail::channels().stop_leading(channel_);
  }

 private:
  friend Channel;
  explicit Leadership(std::string channel) noexcept : channel_(std::move(channel)) {}
  std::string channel_;
};

inline std::optional<Leadership> Channel::try_lead() const {
  if (!detail::channels().try_lead(name_)) return std::nullopt;
  return Leadership(name_);
}

}  // namespace cppwebsocket
