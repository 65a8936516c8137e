#include "runtime/remote_control.hpp"

#include "runtime/message_rules.hpp"
#include "runtime/session.hpp"

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
  if (!open_) return SendResult::closed;
  const std::size_t size = message.size();
  const std::size_t before = queued_.fetch_add(size) + buffered_;
  if (before != 0 && before + size > limit_) {  // alone, a message may be larger than the buffer
    queued_ -= size;
    return SendResult::full;
  }
  loop_.post([self = shared_from_this(), message = std::move(message), size]() mutable {
    self->queued_ -= size;
    if (!self->session_) return;
    self->session_->turn([&] {
      if (!self->session_->send_whole(std::move(message)))
        self->session_->log(LogLevel::info, "a message sent by another thread came too late");
    });
  });
  return SendResult::accepted;
}

void RemoteControl::close(Close close) {
  MessageRules::check_close(close);
  if (!open_.exchange(false)) return;
  loop_.post([self = shared_from_this(), close = std::move(close)] {
    if (self->session_) self->session_->turn([&] { self->session_->close_now(close); });
  });
}

void RemoteControl::detach() noexcept {
  open_ = false;
  session_ = nullptr;
}

}  // namespace cppwebsocket::runtime
