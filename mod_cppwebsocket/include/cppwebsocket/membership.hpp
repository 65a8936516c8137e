// Membership: a connection's place in a channel, for coroutine handlers. Get one from Channel::join.
#pragma once

#include <coroutine>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <cppwebsocket/channel.hpp>
#include <cppwebsocket/request.hpp>

namespace cppwebsocket {
namespace detail {

class [[nodiscard]] PublicationAwaiter {
 public:
  explicit PublicationAwaiter(Joined& joined) noexcept : joined_(joined) {}
  bool await_ready() { return channels().begin(joined_, operation_); }
  void await_suspend(std::coroutine_handle<> waiting,
                     std::uint32_t line = __builtin_LINE()) noexcept {
    operation_.suspend(waiting, line);
  }
  std::optional<Publication> await_resume() {
    operation_.rethrow_error();
    return std::move(operation_.publication);
  }

 private:
  Joined& joined_;
  PublicationOperation operation_;
};

class [[nodiscard]] RecoveryAwaiter {
 public:
  explicit RecoveryAwaiter(Joined& joined) noexcept : joined_(joined) {}
  bool await_ready() { return channels().begin(joined_, operation_); }
  void await_suspend(std::coroutine_handle<> waiting,
                     std::uint32_t line = __builtin_LINE()) noexcept {
    operation_.suspend(waiting, line);
  }
  Recovery await_resume() {
    operation_.rethrow_error();
    return operation_.recovery;
  }

 private:
  Joined& joined_;
  RecoveryOperation operation_;
};

}  // namespace detail

// Leaves the channel when it goes, and at the connection's end at the latest. It can be moved but
// not copied, and what was moved from may only be destroyed or assigned to. A task that uses it is
// given it, by moving, or refers to one that web_socket_transfer_data declares outside of any inner
// block: see Request::spawn.
// Thread: the connection's, as everything a coroutine handler has.
class [[nodiscard]] Membership {
 public:
  explicit Membership(detail::Joined& joined) noexcept : joined_(&joined) {}
  Membership(Membership&& other) noexcept : joined_(std::exchange(other.joined_, nullptr)) {}
  Membership& operator=(Membership&& other) noexcept {
    std::swap(joined_, other.joined_);
    return *this;
  }
  ~Membership() {
    if (joined_) detail::channels().forget(*joined_);
  }

  // Leaves now. Whoever waits in receive() gets an empty result, as each later receive() does; a
  // waiting recovery(), publish(), name() and presence() raise BadOperationException from now on.
  // Another task that waits runs before this returns.
  void leave() noexcept { detail::channels().leave(*joined_); }

  // Channel::publish of the channel that was joined, with the options it had then.
  PublishResult publish(Message message) {
    return detail::channels().publish(*joined_, std::move(message));
  }

  // co_await room.receive(): what came next, for a membership with JoinOptions::receive. Empty when
  // the peer closed cleanly, and once the channel was left. Raises ConnectionTerminatedException if the connection ends otherwise,
  // BadOperationException if a receive is already waiting or the membership has no receive form.
  detail::PublicationAwaiter receive() { return detail::PublicationAwaiter(*joined_); }

  // What is already here, or nothing.
  std::optional<Publication> try_receive() { return detail::channels().try_receive(*joined_); }

  // co_await room.recovery(): what became of JoinOptions::resume. Does not wait for the client, but
  // perhaps for a backplane. Raises ConnectionTerminatedException if the connection ends first.
  detail::RecoveryAwaiter recovery() { return detail::RecoveryAwaiter(*joined_); }

  // Messages that this member has missed, by its SlowPolicy or because the server could not keep up.
  std::uint64_t dropped() const noexcept { return detail::channels().dropped(*joined_); }

  // The channel; the Member::id of this membership, empty without JoinOptions::presence; and who is
  // visible (Channel::presence).
  std::string name() const { return detail::channels().channel_of(*joined_); }
  std::string id() const { return detail::channels().id_of(*joined_); }
  std::vector<Member> presence() const { return detail::channels().presence(name()); }

 private:
  detail::Joined* joined_;
};

inline Membership Channel::join(Request& request, JoinOptions options) const {
  return Membership(detail::channels().join(request, name_, options_, std::move(options)));
}

}  // namespace cppwebsocket
