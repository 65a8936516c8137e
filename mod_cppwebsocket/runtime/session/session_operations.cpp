// The handler's requests: receive, send, ping, close, sleep, blocking calls.
#include <utility>

#include "runtime/loop/blocking_pool.hpp"
#include "runtime/session/remote_control.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::runtime {

using detail::Operation;
using detail::OperationKind;

void Session::require_started(const char* what) const {
  if (record_->state == ReadyState::connecting)
    throw BadOperationException(std::string(what) + " works only once the connection is open");
}

void Session::refuse_to_send(const char* what) const {
  require_started(what);
  // While close_connection waits, whoever else sends is another task, and has done no wrong.
  if (closed_by_handler_ && ended_)
    throw BadOperationException(std::string(what) + " after the connection was closed");
  if (end_reason_) std::rethrow_exception(end_reason_);
  throw ConnectionTerminatedException("the connection is closing");
}

void Session::wait(Operation& operation) noexcept {
  pending_.push_back(operation);
  if (operation.kind == OperationKind::send) ++senders_waiting_;
}

void Session::complete(Operation& operation) noexcept {
  pending_.remove(operation);
  switch (operation.kind) {
    case OperationKind::receive:
      receiver_ = nullptr;
      if (auto* timer = static_cast<detail::ReceiveOperation&>(operation).timer)
        loop_.disarm(*timer);
      break;
    case OperationKind::sleep:
      loop_.disarm(static_cast<detail::SleepOperation&>(operation).timer);
      break;
    case OperationKind::send:
      --senders_waiting_;
      break;
    case OperationKind::close:
    case OperationKind::pool:
    case OperationKind::publication:
    case OperationKind::recovery:
      break;
  }
  operation.waiting.resume();
  reap();
}

void Session::start_timer(detail::OperationTimer& timer, Operation& operation) {
  timer.session = this;
  timer.operation = &operation;
  timer.fire = [](detail::TimerNode& node) {
    auto& over = static_cast<detail::OperationTimer&>(node);
    auto& self = *static_cast<Session*>(over.session);
    self.turn([&] {
      if (over.operation->kind == OperationKind::receive)
        over.operation->error =
            std::make_exception_ptr(TimeoutException("nothing received in time"));
      self.complete(*over.operation);
    });
  };
  loop_.arm(timer, timer.deadline);
}

// --- receive ----------------------------------------------------------------------------------

std::optional<Message> Session::try_receive() {
  require_started("try_receive");
  if (inbox_.empty()) return std::nullopt;
  has_received_ = true;
  return inbox_.pop();
}

bool Session::begin(detail::ReceiveOperation& operation) {
  require_started("receive_message");
  if (receiver_) throw BadOperationException("a receive is already waiting");
  if (!inbox_.empty()) {
    has_received_ = true;
    return true;
  }
  has_received_ = true;
  if (peer_close_waiting_) answer_peer_close();
  if (ended_) {
    if (!clean_end_) std::rethrow_exception(end_reason_);
    if (end_received_) throw BadOperationException("receive_message after the end was received");
    end_received_ = true;
    return true;
  }
  receiver_ = &operation;
  wait(operation);
  if (operation.timer && operation.timer->deadline != detail::TimePoint::max())
    start_timer(*operation.timer, operation);
  return false;
}

std::optional<Message> Session::take_received() noexcept {
  if (arriving_) {
    arriving_ = false;
    return protocol_->take_message();
  }
  if (!inbox_.empty()) return inbox_.pop();
  return std::nullopt;
}

// --- send -------------------------------------------------------------------------------------

bool Session::send(Message&& message, bool end) {
  require_sendable("send_message");
  if (message.is_binary() && !protocol_->has_binary())
    throw BadOperationException("this client's protocol version has no binary messages");
  rules_.check(message, end);
  send_now(std::move(message), end);
  return !above_high_water();
}

bool Session::wait_for_room(detail::SendOperation& operation) noexcept {
  if (ended_) operation.error = end_reason_;
  if (ended_ || !above_high_water()) return false;
  wait(operation);
  return true;
}

bool Session::send_ping(std::string_view body) {
  require_sendable("send_ping");
  if (!protocol_->has_ping())
    throw BadOperationException("this client's protocol version has no pings");
  if (body.size() > 125) throw BadOperationException("a ping's body has at most 125 bytes");
  protocol_->send_ping(body, *output_);  // RFC 6455 §5.5: control frames may go between fragments
  return !above_high_water();
}

bool Session::send_now(Message&& message, bool end) {
  if (wire_ != Wire::open) return false;
  if (guests_waiting_) let_guests_send(true);
  last_message_ = loop_.now();
  protocol_->send_message(std::move(message), end, *output_);
  loop_.spare_payloads().give(std::move(message).payload());  // if it was copied
  sending_fragments_ = !end;
  if (end && seldom_ && !seldom_->held_back.empty()) {
    auto held_back = std::exchange(seldom_->held_back, {});
    for (Message& each : held_back) protocol_->send_message(std::move(each), true, *output_);
  }
  return true;
}

bool Session::send_whole(Message&& message) {
  if (!sending_fragments_ || wire_ != Wire::open) return send_now(std::move(message), true);
  // RFC 6455 §5.4: fragments of one message must not be interleaved with another message.
  seldom().held_back.push_back(std::move(message));
  return true;
}

void Session::ping_now(std::string_view body) {
  if (wire_ == Wire::open) protocol_->send_ping(body, *output_);
}

// --- close, sleep, blocking calls, threads ------------------------------------------------------

bool Session::begin(detail::CloseOperation& operation, Close&& close) {
  require_sendable("close_connection");
  MessageRules::check_close(close);
  closed_by_handler_ = true;
  const bool wait_for_peer = !peer_close_waiting_ && protocol_->has_closing_handshake() &&
                             close.code() != close_code::going_away &&
                             close.code() != close_code::protocol_error;
  start_closing(close, "closed by the handler");
  if (wait_for_peer) {
    wait(operation);
    return false;
  }
  end(std::make_exception_ptr(ConnectionTerminatedException("the handler has closed")));
  return true;
}

void Session::close_now(const Close& close) {
  if (wire_ != Wire::open) return;
  start_closing(close, "closed by the handler");
  if (wire_ == Wire::closing) return;  // the handler hears of it when the peer has answered
  end(std::make_exception_ptr(ConnectionTerminatedException("the handler has closed")));
}

bool Session::begin(detail::SleepOperation& operation, std::chrono::nanoseconds duration) {
  require_started("sleep_for");
  if (ended_) std::rethrow_exception(end_reason_);
  if (duration.count() <= 0) return true;
  wait(operation);
  using std::chrono::ceil, std::chrono::milliseconds;
  const auto longest = detail::TimePoint::max() - loop_.now() - milliseconds(1);
  if (duration < longest) operation.timer.deadline = loop_.now() + ceil<milliseconds>(duration);
  start_timer(operation.timer, operation);
  return false;
}

void Session::begin(detail::PoolOperation& operation) {
  require_started("run_blocking");
  // Not in pending_: the function cannot be interrupted. The waiting task keeps the session alive.
  loop_.call_pool().run([this, &operation]() noexcept {
    operation.call(operation);
    loop_.post([this, &operation] { turn([&] { operation.waiting.resume(); }); });
  });
}

std::stop_token Session::stop_token() {
  std::stop_source& source = seldom().stop_source;
  if (!source.stop_possible()) {
    source = std::stop_source();
    if (ended_) source.request_stop();
  }
  return source.get_token();
}

Sender Session::sender() {
  require_started("sender");
  auto& remote = seldom().remote;
  if (!remote) remote = std::make_shared<RemoteControl>(*this);
  return Sender(remote);
}

}  // namespace cppwebsocket::runtime
