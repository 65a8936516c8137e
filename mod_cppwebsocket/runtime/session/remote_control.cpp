#include "runtime/session/remote_control.hpp"

#include "runtime/session/connection.hpp"
#include "runtime/session/message_rules.hpp"

namespace cppwebsocket::runtime {

RemoteControl::RemoteControl(Connection& connection) noexcept
    : loop_(connection.loop()),
      connection_(&connection),
      limit_(connection.limits().send_buffer_size),
      has_binary_(connection.ws_version() == Version::rfc6455) {}

SendResult RemoteControl::send(Message message) {
  if (message.is_binary() && !has_binary_)
    throw BadOperationException("this client's protocol version has no binary messages");
  MessageRules().check(message, true);
  const std::size_t size = message.size();
  std::lock_guard lock(mutex_);
  if (!open_) return SendResult::closed;
  const std::size_t before = buffered_amount();
  if (before != 0 && before + size > limit_)  // alone, a message may be larger than the buffer
    return SendResult::full;
  queue_.push_back(std::move(message));
  queued_ += size;
  post();
  return SendResult::accepted;
}

// With the lock.
void RemoteControl::post() {
  if (self_) return;
  self_ = shared_from_this();
  loop_.post(*this);
}

void RemoteControl::run() noexcept {
  std::shared_ptr<RemoteControl> self;
  std::optional<Close> close;
  {
    std::lock_guard lock(mutex_);
    self = std::move(self_);
    close = std::move(close_);
  }
  if (!connection_) return;
  connection_->turn([&] {
    connection_->guarded([&] { deliver(); });
    if (close) connection_->ending().close_now(*close);
  });
}

void RemoteControl::deliver() {
  std::vector<Message> queue;
  {
    std::lock_guard lock(mutex_);
    queue.swap(queue_);
    queued_ = 0;
  }
  for (Message& message : queue)
    if (!connection_->send_whole(std::move(message)))
      connection_->log(LogLevel::info, "a message sent by another thread came too late");
}

void RemoteControl::close(Close close) {
  MessageRules::check_close(close);
  std::lock_guard lock(mutex_);
  if (!open_.exchange(false)) return;
  close_ = std::move(close);
  post();
}

void RemoteControl::close_door() {
  {
    std::lock_guard lock(mutex_);
    open_ = false;
  }
  deliver();
}

void RemoteControl::detach() noexcept {
  open_ = false;
  connection_ = nullptr;
}

}  // namespace cppwebsocket::runtime
