#include "runtime/session/blocking_session.hpp"

#include <utility>

#include "runtime/loop/blocking_pool.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::runtime {

BlockingSession::BlockingSession(Session& session) noexcept
    : BlockingRequest(session.record()), session_(session) {}

template <typename Function>
void BlockingSession::post_turn(Function function) {
  session_.loop().post([this, function = std::move(function)]() mutable {
    session_.turn([&] { function(); });
  });
}

// --- Thread: the session's -----------------------------------------------------------------------

void BlockingSession::start() {
  sender_ = session_.sender();
  session_.loop().connection_pool().run([this] { run_handler(); });
}

void BlockingSession::deliver(Message&& message) {
  {
    Lock lock(mutex_);
    ready_.push(std::move(message));
    full_ = ready_.full();
    asked_ = false;
  }
  received_.notify_one();  // without the lock, which the woken thread wants first of all
}

void BlockingSession::session_ended() {
  Lock lock(mutex_);
  ended_ = true;
  clean_end_ = session_.ended_cleanly();
  end_reason_ = session_.end_reason();
  received_.notify_one();
  changed_.notify_all();
}

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
      session_.ping_now(each.message.payload());
    else if (!session_.send_now(std::move(each.message), each.end))
      log(LogLevel::info, "a message came too late: the connection has ended");
}

bool BlockingSession::say_goodbye() {
  if (!session_.handler().table().blocking_going_away) return false;
  Lock lock(mutex_);
  if (over()) return false;
  session_.loop().call_pool().run([this] { run_goodbye(); });
  ++spawned_;  // the end waits for it
  return true;
}

bool BlockingSession::has_come_to_close() {
  Lock lock(mutex_);
  // A handler that has never received is not waited for; with messages ready, it may be about to.
  if (ready_.empty() && (asked_ || !receives_)) return true;
  close_behind_ = true;
  return false;
}

bool BlockingSession::offer_close() {
  Lock lock(mutex_);
  if (!session_.handler().table().blocking_passive_closing_handshake) return false;
  if (chosen_close_ || returned_) return false;
  if (!std::exchange(close_offered_, true)) {
    close_to_choose_ = true;
    received_.notify_one();
  }
  return true;
}

std::optional<Close> BlockingSession::chosen_close() {
  Lock lock(mutex_);
  return chosen_close_;
}

// --- Thread: the handler's -----------------------------------------------------------------------

void BlockingSession::run_handler() noexcept {
  std::exception_ptr error;
  try {
    session_.handler().table().blocking_transfer_data(*this);
  } catch (...) {
    error = std::current_exception();
  }
  {
    Lock lock(mutex_);
    returned_ = true;
    received_.notify_one();  // a thread that it has spawned
    changed_.notify_all();
  }
  stop_source_.request_stop();
  {
    Lock lock(mutex_);
    changed_.wait(lock, [&] { return spawned_ == 0; });
  }
  post_turn([this, error = std::move(error)] { session_.task_ended(error, true); });
}

void BlockingSession::run_goodbye() noexcept {
  try {
    session_.handler().table().blocking_going_away(*this);
  } catch (...) {
    session_.report_goodbye(std::current_exception());
  }
  post_turn([this] { session_.close_for_stop(); });
  Lock lock(mutex_);
  --spawned_;
  changed_.notify_all();
}

void BlockingSession::spawn(std::function<void(std::stop_token)> function) {
  if (ready_state() == ReadyState::connecting)
    throw BadOperationException("spawn works only once the connection is open");
  {
    Lock lock(mutex_);
    if (over()) raise_end();
    ++spawned_;
  }
  auto body = [this, function = std::move(function)]() mutable noexcept {
    std::exception_ptr error;
    try {
      function(stop_source_.get_token());
    } catch (...) {
      error = std::current_exception();
    }
    if (error) post_turn([this, error = std::move(error)] { session_.report(error); });
    function = nullptr;  // what it holds is the handler's, which may be gone once we are counted off
    Lock lock(mutex_);
    --spawned_;
    changed_.notify_all();
  };
  try {
    start_thread(std::move(body));
  } catch (...) {
    Lock lock(mutex_);
    --spawned_;
    throw;
  }
}

void BlockingSession::raise_end() const {
  if (ended_) std::rethrow_exception(end_reason_);
  throw ConnectionTerminatedException("the handler has returned");
}

void BlockingSession::sleep_for(std::chrono::nanoseconds duration) {
  const detail::TimePoint end = detail::after(duration);
  Lock lock(mutex_);
  if (changed_.wait_until(lock, end, [&] { return over(); })) raise_end();
}

Sender BlockingSession::sender() {
  if (ready_state() == ReadyState::connecting)
    throw BadOperationException("sender works only once the connection is open");
  return sender_;
}

void BlockingSession::ask_for_message() {
  asked_ = true;
  if (!std::exchange(close_behind_, false)) return;
  post_turn([this] {
    if (!session_.end_reason()) session_.answer_peer_close();
  });
}

void BlockingSession::choose_close(Lock& lock) {
  close_to_choose_ = false;
  lock.unlock();
  std::optional<Close> chosen;
  try {
    chosen = session_.handler().table().blocking_passive_closing_handshake(*this);
    MessageRules::check_close(*chosen);
  } catch (const std::exception& e) {
    log(LogLevel::error,
        std::string("web_socket_passive_closing_handshake raised an exception: ") + e.what());
    chosen = Close(close_code::internal_error);
  } catch (...) {
    log(LogLevel::error, "web_socket_passive_closing_handshake raised no std::exception");
    chosen = Close(close_code::internal_error);
  }
  lock.lock();
  chosen_close_ = std::move(chosen);
  post_turn([this] {
    if (!session_.end_reason()) session_.answer_peer_close();
  });
}

Message BlockingSession::take() {
  Message message = ready_.pop();
  if (full_ && ready_.empty()) {  // not for each message of a peer that sends without pause
    full_ = false;
    post_turn([] {});  // which reads on
  }
  return message;
}

std::optional<Message> BlockingSession::receive(
    std::optional<std::chrono::steady_clock::time_point> deadline) {
  if (ready_state() == ReadyState::connecting)
    throw BadOperationException("receive_message works only once the connection is open");
  Lock lock(mutex_);
  if (receiving_) throw BadOperationException("a receive is already waiting");
  receiving_ = receives_ = true;
  struct Done {
    bool& receiving;
    ~Done() { receiving = false; }
  } done{receiving_};
  for (;;) {
    if (!ready_.empty()) return take();
    if (ended_ && clean_end_) {
      if (end_received_) throw BadOperationException("receive_message after the end was received");
      end_received_ = true;
      return std::nullopt;
    }
    if (over()) raise_end();
    if (close_to_choose_) {
      choose_close(lock);
      continue;
    }
    ask_for_message();
    const auto awake = [&] { return !ready_.empty() || over() || close_to_choose_; };
    if (!deadline)
      received_.wait(lock, awake);
    else if (!received_.wait_until(lock, *deadline, awake))
      throw TimeoutException("nothing received in time");
  }
}

std::optional<Message> BlockingSession::try_receive() {
  Lock lock(mutex_);
  receives_ = true;
  if (!ready_.empty()) return take();
  if (!over() && ready_state() != ReadyState::connecting) ask_for_message();
  return std::nullopt;
}

void BlockingSession::require_sendable(const char* what) {
  if (ready_state() == ReadyState::connecting)
    throw BadOperationException(std::string(what) + " works only once the connection is open");
  if (closed_) throw BadOperationException(std::string(what) + " after the connection was closed");
  if (over()) raise_end();
  if (closing_) throw ConnectionTerminatedException("the connection is closing");
}

void BlockingSession::wait_for_room(Lock& lock, const char* what) {
  ++waiting_for_room_;
  changed_.wait(lock, [&] {
    return queued_ + buffered_amount() <= limits().send_buffer_size || over() || closed_ ||
           closing_;
  });
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
    session_.write_lent(std::move(message), output);
  } catch (...) {
    output.clear();
    wire_.end_write(output);
    throw;
  }
  last_write_ = std::chrono::steady_clock::now();
  if (wire_.end_write(output)) post_turn([] {});
}

void BlockingSession::put_out(Outgoing&& outgoing) {
  outbox_.push_back(std::move(outgoing));
  if (outbox_.size() == 1) post_turn([this] { deliver_outbox(Lock(mutex_)); });
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
  Lock lock(mutex_);
  require_sendable("close_connection");
  MessageRules::check_close(close);
  closed_ = true;
  const auto code = close.code();
  post_turn([this, close = std::move(close)] { session_.close_now(close); });
  if (code == close_code::going_away || code == close_code::protocol_error) return;
  changed_.wait(lock, [&] { return over(); });
}

}  // namespace cppwebsocket::runtime
