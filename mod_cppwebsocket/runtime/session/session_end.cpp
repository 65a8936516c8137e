// How a connection ends: the closing handshake, failures, time limits.
#include <algorithm>
#include <utility>

#include "runtime/session/blocking_session.hpp"
#include "runtime/session/remote_control.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::runtime {

namespace {

using std::chrono::milliseconds;

// How long to read on after our last byte, so that the kernel does not answer the peer's last
// ones with a reset that destroys our Close on its way.
constexpr milliseconds max_linger{2'000};

std::string code_text(const Close& close) {
  return close.code() ? std::to_string(*close.code()) : "no code";
}

std::exception_ptr terminated(std::string_view why) {
  return std::make_exception_ptr(ConnectionTerminatedException(std::string(why)));
}

}  // namespace

// --- the closing handshake (RFC 6455 §7.1) --------------------------------------------------------

void Session::on_peer_close() {
  const Close& close = protocol_->peer_close();
  record_->client_terminated = true;
  record_close(close.code().value_or(close_code::no_status_received), close.reason());
  if (wire_ == Wire::closing) {
    clean_end_ = true;
    set_wire(Wire::lingering, "the peer has answered our Close with ", &close);
    end(terminated("the connection was closed"));
    return;
  }
  record_->state.store(ReadyState::closing, std::memory_order_release);
  const bool has_come_to_it = blocking_        ? blocking_->has_come_to_close()
                              : inbox_.empty() ? receiver_ || !has_received_
                                               : !has_received_;
  if (has_come_to_it) return answer_peer_close();
  // The handler may still owe answers to messages before the Close: receive comes to it in turn.
  peer_close_waiting_ = true;
  deadline_ = loop_.now() + record_->limits.close_timeout;
}

void Session::answer_peer_close(bool in_time) {
  if (blocking_ && in_time && blocking_->offer_close()) {  // its thread chooses, and calls again
    if (!peer_close_waiting_) deadline_ = loop_.now() + record_->limits.close_timeout;
    peer_close_waiting_ = true;
    return;
  }
  peer_close_waiting_ = false;
  clean_end_ = true;
  send_close(passive_close());
  set_wire(Wire::lingering, "the peer has closed with ", &protocol_->peer_close());
  end(terminated("the peer has closed the connection"));
}

// What to answer: the handler's choice, else the peer's own code.
Close Session::passive_close() {
  const Close& close = protocol_->peer_close();
  const HandlerTable& table = handler_->table();
  try {
    if (!blocking_ && table.passive_closing_handshake) {
      Close chosen = table.passive_closing_handshake(*this);
      MessageRules::check_close(chosen);
      return chosen;
    }
    if (blocking_)
      if (auto chosen = blocking_->chosen_close()) return *chosen;
  } catch (const std::exception& e) {
    log(LogLevel::error,
        std::string("web_socket_passive_closing_handshake raised an exception: ") + e.what());
    return Close(close_code::internal_error);
  } catch (...) {
    log(LogLevel::error, "web_socket_passive_closing_handshake raised no std::exception");
    return Close(close_code::internal_error);
  }
  return close.code() ? Close(*close.code()) : Close();
}

void Session::send_close(const Close& close) {
  // What was accepted from other threads goes first.
  if (seldom_ && seldom_->remote) seldom_->remote->close_door();
  if (blocking_) blocking_->close_door();
  protocol_->send_close(close, *output_);
  record_->server_terminated = true;
}

// Our Close goes first; then the peer has until the deadline to answer.
void Session::start_closing(const Close& close, std::string_view cause) {
  send_close(close);
  if (peer_close_waiting_ || !protocol_->has_closing_handshake()) {
    clean_end_ = peer_close_waiting_;
    peer_close_waiting_ = false;
    set_wire(Wire::lingering, cause);
  } else {
    set_wire(Wire::closing, cause);
  }
  begin_end();
}

// Nothing more can be sent: whoever would begin something now may know. Waits go on until end().
void Session::begin_end() noexcept {
  if (seldom_) {
    if (const auto held_back = std::exchange(seldom_->held_back, {}); !held_back.empty())
      log(LogLevel::info, std::to_string(held_back.size()) +
                              " messages behind an unfinished one are not sent: the connection ends");
    if (seldom_->remote) seldom_->remote->close_door();
    seldom_->stop_source.request_stop();
  }
  if (blocking_) blocking_->request_stop();
}

// --- abnormal ends -----------------------------------------------------------------------------

// RFC 6455 §7.1.7: the peer broke the protocol. It is told, and not listened to any more.
void Session::fail(CloseCode code, std::string_view text) {
  log(LogLevel::info,
      "failing the connection with " + std::to_string(code) + ": " + std::string(text));
  record_close(close_code::abnormal_closure, {});
  if (!record_->server_terminated) send_close(Close(code, std::string(text)));
  set_wire(Wire::lingering, text);
  if (code == close_code::protocol_error)
    end(std::make_exception_ptr(InvalidFrameException(std::string(text))));
  else if (code == close_code::invalid_payload)
    end(std::make_exception_ptr(InvalidUTF8Exception(std::string(text))));
  else
    end(terminated(text));
}

void Session::lose(std::string_view why) noexcept {
  own_wire();
  record_close(close_code::abnormal_closure, {});
  drop_wire(why);
  end(terminated(why));
}

// Every wait of the handler ends now, each once; the tasks then have nothing left to wait for.
void Session::end(std::exception_ptr reason) {
  if (ended_) return;
  ended_ = true;
  end_reason_ = std::move(reason);
  if (blocking_) blocking_->session_ended();
  tell_guests_of_end();
  begin_end();
  while (detail::Operation* operation = pending_.front()) {
    const bool told = operation->kind == detail::OperationKind::close ||
                      (operation->kind == detail::OperationKind::receive && clean_end_) ||
                      (operation->kind == detail::OperationKind::publication && clean_end_);
    if (!told) operation->error = end_reason_;
    if (operation->kind == detail::OperationKind::receive) end_received_ = clean_end_;
    complete(*operation);
  }
}

void Session::drop_wire(std::string_view cause) {
  if (wire_ == Wire::gone) return;
  if (unsent() != 0)
    log(LogLevel::info, std::to_string(unsent()) + " bytes could not be delivered");
  output_->clear();
  unsent_by_transport_ = 0;
  if (seldom_) seldom_->unread = {};
  peer_close_waiting_ = false;  // too late to answer it
  set_wire(Wire::gone, cause);
  loop_.disarm(*this);
  loop_.unwatch(*this);
  transport_.reset();
}

void Session::set_wire(Wire wire, std::string_view cause, const Close* by) {
  static constexpr const char* names[] = {"OPEN", "CLOSING", "LINGERING", "GONE"};
  if (logs(LogLevel::debug))
    log(LogLevel::debug, std::string(names[static_cast<int>(wire_)]) + " -> " +
                             names[static_cast<int>(wire)] + " (" + std::string(cause) +
                             (by ? code_text(*by) : "") + ")");
  wire_ = wire;
  record_->state.store(wire == Wire::closing ? ReadyState::closing : ReadyState::closed,
                       std::memory_order_release);
  restart_deadline();
}

void Session::restart_deadline() noexcept {
  const milliseconds limit = record_->limits.close_timeout;
  deadline_ = loop_.now() + (wire_ == Wire::lingering ? std::min(limit, max_linger) : limit);
}

void Session::record_close(CloseCode code, std::string_view reason) {
  if (record_->close_code != 0) return;
  if (!reason.empty()) record_->make_seldom().close_reason = reason;
  record_->close_code.store(code, std::memory_order_release);
}

// --- time -------------------------------------------------------------------------------------

detail::TimePoint Session::next_housekeeping() const noexcept {
  if (wire_ != Wire::open) return deadline_;
  if (peer_close_waiting_) return std::min(deadline_, leave_at_);
  const ConnectionLimits& limits = record_->limits;
  detail::TimePoint next = leave_at_;
  if (limits.ping_interval.count() > 0 && protocol_->has_ping())
    next = std::min(next, last_heard_ + limits.ping_interval * (ping_sent_ ? 2 : 1));
  if (limits.idle_timeout.count() > 0) next = std::min(next, idle_since() + limits.idle_timeout);
  return next;
}

// A message that is still on its way, in or out, counts by its bytes.
detail::TimePoint Session::idle_since() const noexcept {
  const bool on_its_way = protocol_->in_message() || unsent() != 0;
  const auto since = on_its_way ? std::max(last_message_, last_heard_) : last_message_;
  return blocking_ ? std::max(since, blocking_->last_write()) : since;
}

// The timer is only ever moved forward in time when it fires, so that traffic costs nothing.
void Session::rearm() {
  const detail::TimePoint next = next_housekeeping();
  if (next == detail::TimePoint::max()) return;
  if (!armed() || next < deadline) loop_.arm(*this, next);
}

void Session::housekeep() {
  // While we do not read for the handler's sake, the peer's silence means nothing.
  if (wire_ == Wire::open && !interest_.readable && unsent() == 0) last_heard_ = loop_.now();
  if (loop_.now() < next_housekeeping()) return;
  if (wire_ == Wire::closing) return lose("the peer did not answer our Close in time");
  if (wire_ == Wire::lingering) return drop_wire("the peer did not close TCP in time");
  if (loop_.now() >= leave_at_) return leaving_ ? close_for_stop() : leave();
  if (peer_close_waiting_) return answer_peer_close(false);

  const ConnectionLimits& limits = record_->limits;
  if (limits.idle_timeout.count() > 0 && loop_.now() >= idle_since() + limits.idle_timeout) {
    record_close(close_code::going_away, {});
    start_closing(Close(close_code::going_away, "idle"), "no message for too long");
    end(terminated("no message for too long"));
  } else if (ping_sent_) {
    lose("the peer did not answer our ping in time");
  } else {
    if (protocol_->has_pong())
      ping_sent_ = true;
    else
      last_heard_ = loop_.now();
    protocol_->send_ping({}, *output_);
    protocol_->release_idle_memory();
  }
}

}  // namespace cppwebsocket::runtime
