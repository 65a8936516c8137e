// What a blocking handler sends: on its own thread while the session lends it the wire, else by way
// of the outbox, which the session empties in a turn.
#include <utility>

#include "runtime/session/blocking_session.hpp"

namespace cppwebsocket::runtime {

// --- Thread: the session's -----------------------------------------------------------------------

void BlockingSession::output_drained(std::size_t buffered) noexcept {
  if (buffered > limits().send_buffer_size) return;
  Lock lock(mutex_);
  if (waiting_for_room_ != 0) changed_.notify_all();
}

void BlockingSession::close_door() {
  Lock lock(mutex_);
  closing_ = true;
  if (waiting_for_room_ != 0) changed_.notify_all();
  deliver_outbox(std::move(lock));
}

void BlockingSession::deliver_outbox(Lock lock) {
  auto outbox = std::exchange(outbox_, {});
  queued_ = 0;
  lock.unlock();
  for (Outgoing& each : outbox)
    if (each.is_ping)
      session_.send_ping_now(each.message.payload());
    else if (!session_.send_now(std::move(each.message), each.end))
      log(LogLevel::info, "a message came too late: the connection has ended");
}

// --- Thread: the handler's -----------------------------------------------------------------------

void BlockingSession::require_sendable(const char* what) {
  if (ready_state() == ReadyState::connecting)
    throw BadOperationException(std::string(what) + " works only once the connection is open");
  if (closed_by_ == std::this_thread::get_id())
    throw BadOperationException(std::string(what) + " after the connection was closed");
  if (over()) raise_end();
  if (closing_ || closed()) throw ConnectionTerminatedException("the connection is closing");
}

void BlockingSession::wait_for_room(Lock& lock, const char* what) {
  const auto may_go_on = [&] {
    return queued_ + buffered_amount() <= limits().send_buffer_size || over() || closed() ||
           closing_;
  };
  if (!may_go_on()) must_not_wait_here(what);
  ++waiting_for_room_;
  changed_.wait(lock, may_go_on);
  --waiting_for_room_;
  require_sendable(what);
}

void BlockingSession::send(Message message, bool end) {
  Lock lock(mutex_);
  require_sendable("send_message");
  if (message.is_binary() && ws_version() != Version::rfc6455)
    throw BadOperationException("this client's protocol version has no binary messages");
  wait_for_room(lock, "send_message");
  rules_.check(message, end);
  // The wire is not lent in the middle of a fragmented message.
  if (end && outbox_.empty() && wire_.begin_write()) {
    lock.unlock();
    return write(std::move(message));
  }
  queued_ += message.size();
  put_out({std::move(message), end});
}

void BlockingSession::write(Message&& message) {
  protocol::Output output;
  try {
    session_.wire().write_lent(std::move(message), output);
    if (!output.empty()) record().buffered.store(output.size(), std::memory_order_relaxed);
  } catch (...) {
    output.clear();
    wire_.end_write(output);
    throw;
  }
  last_write_ = std::chrono::steady_clock::now();
  if (!wire_.end_write(output)) return;
  Lock lock(mutex_);
  post_errand();
}

void BlockingSession::put_out(Outgoing&& outgoing) {
  outbox_.push_back(std::move(outgoing));
  post_errand();
}

void BlockingSession::ping(std::string_view body) {
  Lock lock(mutex_);
  require_sendable("send_ping");
  if (ws_version() != Version::rfc6455)
    throw BadOperationException("this client's protocol version has no pings");
  if (body.size() > 125) throw BadOperationException("a ping's body has at most 125 bytes");
  wait_for_room(lock, "send_ping");
  put_out({.message = Message::binary(std::string(body)), .end = true, .is_ping = true});
}

void BlockingSession::close(Close close) {
  must_not_wait_here("close_connection");
  Lock lock(mutex_);
  require_sendable("close_connection");
  MessageRules::check_close(close);
  closed_by_ = std::this_thread::get_id();
  const auto code = close.code();
  errand_.close = std::move(close);
  post_errand();
  if (code == close_code::going_away || code == close_code::protocol_error) return;
  changed_.wait(lock, [&] { return over(); });
}

}  // namespace cppwebsocket::runtime
