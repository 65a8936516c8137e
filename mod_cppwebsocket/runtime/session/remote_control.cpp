#include "runtime/session/remote_control.hpp"

#include "runtime/session/message_rules.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::runtime {

RemoteControl::RemoteControl(Session& session) noexcept
    : loop_(session.loop()),
      session_(&session),
      limit_(session.limits().send_buffer_size),
      has_binary_(session.ws_version() == Version::rfc6455) {}

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
  if (queue_.size() == 1)
    loop_.post([self = shared_from_this()] {
      if (self->session_) self->session_->turn([&] { self->deliver(); });
    });
  return SendResult::accepted;
}

void RemoteControl::deliver() {
  std::vector<Message> queue;
  {
    std::lock_guard lock(mutex_);
    queue.swap(queue_);
    queued_ = 0;
  }
  for (Message& message : queue)
    if (!session_->send_whole(std::move(message)))
      session_->log(LogLevel::info, "a message sent by another thread came too late");
}

void RemoteControl::close(Close close) {
  MessageRules::check_close(close);
  {
    std::lock_guard lock(mutex_);
    if (!open_.exchange(false)) return;
  }
  loop_.post([self = shared_from_this(), close = std::move(close)] {
    if (self->session_) self->session_->turn([&] { self->session_->close_now(close); });
  });
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
  session_ = nullptr;
}

}  // namespace cppwebsocket::runtime
