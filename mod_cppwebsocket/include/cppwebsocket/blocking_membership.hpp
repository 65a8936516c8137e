// BlockingMembership: the same for blocking handlers. The names, conditions and exceptions are those
// of membership.hpp; the calling thread waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <cppwebsocket/blocking_request.hpp>
#include <cppwebsocket/channel.hpp>

namespace cppwebsocket {

// Thread: the handler's, or one that it spawned. publish(): any number of them at once; receive():
// one.
class [[nodiscard]] BlockingMembership {
 public:
  explicit BlockingMembership(detail::Joined& joined) noexcept : joined_(&joined) {}
  BlockingMembership(BlockingMembership&& other) noexcept
      : joined_(std::exchange(other.joined_, nullptr)) {}
  BlockingMembership& operator=(BlockingMembership&& other) noexcept {
    std::swap(joined_, other.joined_);
    return *this;
  }
  ~BlockingMembership() {
    if (joined_) detail::channels().leave(*joined_);
  }

  PublishResult publish(Message message) {
    return detail::channels().publish(*joined_, std::move(message));
  }

  std::optional<Publication> receive() {
    return detail::channels().receive(*joined_, std::nullopt);
  }
  // The same, but raises TimeoutException after `timeout`.
  std::optional<Publication> receive(std::chrono::nanoseconds timeout) {
    return detail::channels().receive(*joined_, detail::after(timeout));
  }
  std::optional<Publication> try_receive() { return detail::channels().try_receive(*joined_); }

  Recovery recovery() { return detail::channels().recovery(*joined_); }

  std::uint64_t dropped() const noexcept { return detail::channels().dropped(*joined_); }
  std::string name() const { return detail::channels().channel_of(*joined_); }
  std::string id() const { return detail::channels().id_of(*joined_); }
  std::vector<Member> presence() const { return detail::channels().presence(name()); }

 private:
  detail::Joined* joined_;
};

inline BlockingMembership Channel::join(BlockingRequest& request, JoinOptions options) const {
  return BlockingMembership(detail::channels().join(request, name_, options_, std::move(options)));
}

}  // namespace cppwebsocket
