#include "channels/members/blocking_member.hpp"

#include <utility>

#include "channels/members/hub.hpp"
#include "channels/members/local_member.hpp"
#include "channels/members/publisher.hpp"
#include "channels/members/reactor_channels.hpp"
#include "runtime/session/event_loop.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::channels {

using runtime::HandlerThreads;

namespace {
// Without memory for it, that is the reason.
std::exception_ptr reason_to_have_left() noexcept {
  try {
    throw BadOperationException(left_text);
  } catch (...) {
    return std::current_exception();
  }
}
}  // namespace

BlockingMember::BlockingMember(Hub& hub, ReactorChannels& reactor, std::string_view channel,
                               const ChannelOptions& options, bool receives,
                               const HandlerThreads::Moment& now)
    : hub_(hub),
      reactor_(reactor),
      channel_(channel),
      options_(options),
      joined_(now),
      queue_(receives ? std::make_shared<ReceiveQueue>() : nullptr) {}

// --- Thread: the reactor's ------------------------------------------------------------------------

void BlockingMember::set_member(LocalMember& member) {
  member_ = &member;
  id_ = member.id();
  publisher_ = publisher_of(member.session()->remote_address());
  if (options_.tell_publisher) user_ = member.session()->user();
}

void BlockingMember::recovered(const Recovery& recovery) {
  std::lock_guard lock(mutex_);
  recovery_ = recovery;
  changed_.notify_all();
}

void BlockingMember::connection_ended(const std::exception_ptr& reason, bool clean) {
  end_recovery(reason);
  if (queue_) queue_->end(reason, clean);
}

std::function<void()> BlockingMember::room_teller() {
  return [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->reactor_.loop().post([self] {
      if (self->member_) self->member_->has_room();
    });
  };
}

// --- Thread: any ------------------------------------------------------------------------------------

void BlockingMember::end_recovery(std::exception_ptr reason) {
  std::lock_guard lock(mutex_);
  if (!no_recovery_) no_recovery_ = std::move(reason);
  changed_.notify_all();
}

PublishResult BlockingMember::publish(Message&& message) {
  if (left_) throw BadOperationException(left_text);
  if (gone_) throw ConnectionTerminatedException("the connection has ended");
  return hub_.publish(channel_, options_, std::move(message), publisher_, {.user = user_});
}

ReceiveQueue& BlockingMember::required_queue(const char* what) const {
  if (!queue_) throw BadOperationException(std::string(what) + " needs JoinOptions::receive");
  return *queue_;
}

std::optional<Publication> BlockingMember::receive(std::optional<detail::TimePoint> deadline) {
  ReceiveQueue& queue = required_queue("receive()");
  if (queue.would_wait()) hub_.must_not_wait_here("BlockingMembership::receive");
  return queue.wait(deadline, HandlerThreads::end_token());
}

std::optional<Publication> BlockingMember::try_receive() {
  return required_queue("try_receive()").take();
}

Recovery BlockingMember::recovery() {
  const std::stop_token stop = HandlerThreads::end_token();
  const std::stop_callback wake(stop, [this] {
    std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  if (!recovery_ && !no_recovery_) hub_.must_not_wait_here("BlockingMembership::recovery");
  changed_.wait(lock, [&] { return recovery_ || no_recovery_ || stop.stop_requested(); });
  if (recovery_) return *recovery_;
  if (no_recovery_) std::rethrow_exception(no_recovery_);
  throw ConnectionTerminatedException("this thread is to end");
}

void BlockingMember::leave() noexcept {
  if (left_.exchange(true)) return;
  if (queue_) queue_->end(nullptr, true);
  end_recovery(reason_to_have_left());
  self_ = shared_from_this();
  reactor_.loop().post(*this);
}

void BlockingMember::run() noexcept {
  const auto self = std::move(self_);
  if (member_) reactor_.forget(*std::exchange(member_, nullptr));
}

void BlockingMember::end_threads() noexcept { HandlerThreads::end_since(joined_); }

}  // namespace cppwebsocket::channels
