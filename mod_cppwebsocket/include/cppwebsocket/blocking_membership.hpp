// BlockingMembership: the same for blocking handlers. The names, conditions and exceptions are those
// of membership.hpp; the calling thread waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <cppwebsocket/blocking_request.hpp>
#include <cppwebsocket/channel.hpp>

namespace cppwebsocket {

// Before it goes, or is assigned to, it ends the threads that may refer to it: those of request.spawn()
// that the same thread has spawned since it was joined, and what they have spawned. They end as a
// SpawnedThread's destructor ends one. SpawnedThreads go on: where they end says their own scope.
// Thread: the handler's, or one that it spawned. publish(): any number of them at once; receive():
// one. It goes on the thread that has spawned those which use it.
class [[nodiscard]] BlockingMembership {
 public:
  explicit BlockingMembership(std::shared_ptr<detail::BlockingJoined> joined) noexcept
      : joined_(std::move(joined)) {}
  BlockingMembership(BlockingMembership&& other) noexcept = default;
  BlockingMembership& operator=(BlockingMembership&& other) noexcept {
    if (this == &other) return *this;
    end();
    joined_ = std::move(other.joined_);
    return *this;
  }
  ~BlockingMembership() { end(); }

  // Leaves now. Whoever waits in receive() gets an empty result, as each later
  // receive() does; publish() and a waiting recovery() raise BadOperationException.
  void leave() noexcept { joined_->leave(); }

  PublishResult publish(Message message) { return joined_->publish(std::move(message)); }

  std::optional<Publication> receive() { return held()->receive(std::nullopt); }
  // The same, but raises TimeoutException after `timeout`.
  std::optional<Publication> receive(std::chrono::nanoseconds timeout) {
    return held()->receive(detail::after(timeout));
  }
  std::optional<Publication> try_receive() { return joined_->try_receive(); }

  Recovery recovery() { return held()->recovery(); }

  std::uint64_t dropped() const noexcept { return joined_->dropped(); }
  std::string name() const { return joined_->channel(); }
  std::string id() const { return joined_->id(); }
  std::vector<Member> presence() const { return detail::channels().presence(name()); }

 private:
  // For as long as a thread waits in it.
  std::shared_ptr<detail::BlockingJoined> held() const noexcept { return joined_; }
  void end() noexcept {
    if (!joined_) return;
    joined_->end_threads();
    joined_->leave();
  }

  std::shared_ptr<detail::BlockingJoined> joined_;
};

inline BlockingMembership Channel::join(BlockingRequest& request, JoinOptions options) const {
  return BlockingMembership(detail::channels().join(request, name_, options_, std::move(options)));
}

}  // namespace cppwebsocket
