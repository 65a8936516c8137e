#include "runtime/session/ending.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "runtime/session/blocking_session.hpp"
#include "runtime/session/connection.hpp"
#include "runtime/session/remote_control.hpp"

namespace cppwebsocket::runtime {

namespace {

using std::chrono::milliseconds;

// How long to read on after our last byte, so that the kernel does not answer the peer's last
// ones with a reset that destroys our Close on its way.
constexpr milliseconds max_linger{2'000};

std::string code_text(const Close& close) {
  return close.code() ? std::to_string(*close.code()) : "no code";
}

}  // namespace

// --- the state ---------------------------------------------------------------------------------

void Ending::enter(State state, std::string_view cause, const Close* by) {
  static constexpr const char* names[] = {"OPEN", "CLOSING", "LINGERING", "GONE"};
  if (connection_.logs(LogLevel::debug))
    connection_.log(LogLevel::debug, std::string(names[static_cast<int>(state_)]) + " -> " +
                                         names[static_cast<int>(state)] + " (" +
                                         std::string(cause) + (by ? code_text(*by) : "") + ")");
  state_ = state;
  connection_.record().state.store(
      state == State::closing ? ReadyState::closing : ReadyState::closed,
      std::memory_order_release);
  restart_deadline();
}

void Ending::restart_deadline() noexcept {
  waits_since_ = Ticks(connection_.loop().now());
}

detail::TimePoint Ending::deadline() const noexcept {
  const milliseconds limit = connection_.limits().close_timeout;
  return waits_since_.before(connection_.loop().now()) + (is_lingering() ? std::min(limit, max_linger) : limit);
}

CloseCode Ending::code() const noexcept {
  if (by_ != By::client && sent_ != 0) return sent_;
  return connection_.ws_close_code().value_or(close_code::abnormal_closure);
}

void Ending::record_close(CloseCode code, std::string_view reason) {
  detail::RequestRecord& record = connection_.record();
  if (record.close_code != 0) return;
  if (!reason.empty()) record.make_seldom().close_reason = reason;
  record.close_code.store(code, std::memory_order_release);
}

void Ending::refuse_unstarted(const char* what) const {
  throw BadOperationException(std::string(what) + " works only once the connection is open");
}

void Ending::refuse_to_send(const char* what) const {
  if (connection_.ready_state() == ReadyState::connecting) refuse_unstarted(what);
  const Tasks& tasks = connection_.tasks();
  // While close_connection waits, whoever else sends is another task, and has done no wrong.
  if (closed_by_handler_ && tasks.have_ended())
    throw BadOperationException(std::string(what) + " after the connection was closed");
  tasks.require_not_ended();
  throw ConnectionTerminatedException("the connection is closing");
}

// --- the closing handshake ---------------------------------------------------------------------

void Ending::on_peer_close() {
  const Close& close = connection_.wire().protocol().peer_close();
  detail::RequestRecord& record = connection_.record();
  Tasks& tasks = connection_.tasks();
  begun_by(By::client);
  record.client_terminated = true;
  record_close(close.code().value_or(close_code::no_status_received), close.reason());
  if (state_ == State::closing) {
    tasks.set_clean_end(true);
    enter(State::lingering, "the peer has answered our Close with ", &close);
    return end("the connection was closed");
  }
  record.state.store(ReadyState::closing, std::memory_order_release);
  const bool has_come_to_it = connection_.blocking() ? connection_.blocking()->has_come_to_close()
                                                     : tasks.has_come_to_close();
  if (has_come_to_it) return answer_peer_close();
  // The handler may still owe answers to messages before the Close: receive comes to it in turn.
  peer_close_waits_ = true;
  restart_deadline();
}

void Ending::answer_peer_close(bool in_time) {
  BlockingSession* const blocking = connection_.blocking();
  if (blocking && in_time && blocking->offer_close()) {  // its thread chooses, and calls again
    if (!peer_close_waits_) restart_deadline();
    peer_close_waits_ = true;
    return;
  }
  peer_close_waits_ = false;
  connection_.tasks().set_clean_end(true);
  send_close(passive_close());
  enter(State::lingering, "the peer has closed with ", &connection_.wire().protocol().peer_close());
  end("the peer has closed the connection");
}

// What to answer: the handler's choice, else the peer's own code.
Close Ending::passive_close() {
  const Close& close = connection_.wire().protocol().peer_close();
  BlockingSession* const blocking = connection_.blocking();
  const HandlerTable& table = connection_.handler().table();
  try {
    if (!blocking && table.passive_closing_handshake) {
      Close chosen = table.passive_closing_handshake(connection_);
      MessageRules::check_close(chosen);
      return chosen;
    }
    if (blocking)
      if (auto chosen = blocking->chosen_close()) return *chosen;
  } catch (const std::exception& e) {
    connection_.log(
        LogLevel::error,
        std::string("web_socket_passive_closing_handshake raised an exception: ") + e.what());
    return Close(close_code::internal_error);
  } catch (...) {
    connection_.log(LogLevel::error,
                    "web_socket_passive_closing_handshake raised no std::exception");
    return Close(close_code::internal_error);
  }
  return close.code() ? Close(*close.code()) : Close();
}

void Ending::send_close(const Close& close) {
  // What was accepted from other threads goes first.
  if (RemoteControl* const remote = connection_.tasks().remote()) remote->close_door();
  if (connection_.blocking()) connection_.blocking()->close_door();
  connection_.wire().send_close(close);
  sent_ = close.code().value_or(close_code::no_status_received);
  connection_.record().server_terminated = true;
}

// Our Close goes first; then the peer has until the deadline to answer.
void Ending::start_closing(const Close& close, std::string_view cause, By by) {
  begun_by(by);
  send_close(close);
  if (peer_close_waits_ || !connection_.wire().protocol().has_closing_handshake()) {
    connection_.tasks().set_clean_end(peer_close_waits_);
    peer_close_waits_ = false;
    enter(State::lingering, cause);
  } else {
    enter(State::closing, cause);
  }
  begin_end();
}

bool Ending::begin(detail::CloseOperation& operation, Close&& close) {
  MessageRules::check_close(close);
  closed_by_handler_ = true;
  const bool wait_for_peer =
      !peer_close_waits_ && connection_.wire().protocol().has_closing_handshake() &&
      close.code() != close_code::going_away && close.code() != close_code::protocol_error;
  start_closing(close, "closed by the handler", By::handler);
  if (wait_for_peer) {
    connection_.tasks().wait(operation);
    return false;
  }
  end("the handler has closed");
  const Tasks& tasks = connection_.tasks();
  if (tasks.main_has_returned()) operation.error = tasks.end_reason();  // a spawned task has closed
  return true;
}

void Ending::close_now(const Close& close, By by) {
  if (!is_open()) return;
  start_closing(close, by == By::handler ? "closed by the handler" : "closed by the server", by);
  if (state_ == State::closing) return;  // the handler hears of it when the peer has answered
  end("the handler has closed");
}

// --- other ends --------------------------------------------------------------------------------

// It is told, and not listened to any more.
void Ending::fail(CloseCode code, std::string_view text) {
  connection_.log(LogLevel::info,
                  "failing the connection with " + std::to_string(code) + ": " + std::string(text));
  record_close(close_code::abnormal_closure, {});
  begun_by(By::server);
  if (!connection_.server_terminated()) send_close(Close(code, std::string(text)));
  enter(State::lingering, text);
  if (code == close_code::protocol_error)
    end(std::make_exception_ptr(InvalidFrameException(std::string(text))));
  else if (code == close_code::invalid_payload)
    end(std::make_exception_ptr(InvalidUTF8Exception(std::string(text))));
  else
    end(text);
}

void Ending::fail_too_big() {
  if (!is_open()) return;
  peer_close_waits_ = false;  // ours comes first
  fail(close_code::message_too_big, "the message is larger than this server gathers");
}

void Ending::lose(std::string_view why) noexcept {
  connection_.own_wire();
  record_close(close_code::abnormal_closure, {});
  drop(why);
  end(why);
}

void Ending::lose(int error) noexcept { lose(std::generic_category().message(error)); }

void Ending::drop(std::string_view cause) {
  if (is_gone()) return;
  if (const std::size_t bytes = connection_.wire().drop_unsent(); bytes != 0)
    connection_.log(LogLevel::info, std::to_string(bytes) + " bytes could not be delivered");
  connection_.tasks().inbox().drop_unread();
  peer_close_waits_ = false;  // too late to answer it
  enter(State::gone, cause);
}

// Nothing more can be sent: whoever would begin something now may know. Waits go on until end().
void Ending::begin_end() noexcept {
  if (const std::size_t count = connection_.wire().drop_held_back(); count != 0)
    connection_.log(LogLevel::info, std::to_string(count) +
                                        " messages behind an unfinished one are "
                                        "not sent: the connection ends");
  if (RemoteControl* const remote = connection_.tasks().remote()) remote->close_door();
  connection_.tasks().request_stop();
  if (connection_.blocking()) connection_.blocking()->request_stop();
}

void Ending::end(std::string_view why) {
  if (connection_.tasks().have_ended()) return;
  end(std::make_exception_ptr(ConnectionTerminatedException(std::string(why))));
}

// Every wait of the handler ends now, each once; the tasks then have nothing left to wait for.
void Ending::end(std::exception_ptr reason) {
  Tasks& tasks = connection_.tasks();
  if (!tasks.end(std::move(reason))) return;
  if (connection_.blocking()) connection_.blocking()->session_ended();
  connection_.wire().guests().tell_of_end();
  begin_end();
  while (detail::Operation* const operation = tasks.next_to_tell())
    connection_.complete(*operation);
}

// --- the handler's ends ------------------------------------------------------------------------

void Ending::task_ended(std::exception_ptr error, bool is_main) {
  if (error) report(error);
  if (!is_main) return;
  if (is_open()) {
    if (peer_close_waits_)
      answer_peer_close();
    else
      start_closing(Close(close_code::normal), "the handler has returned", By::handler);
  }
  end("the handler has returned");
}

void Ending::report(const std::exception_ptr& error) noexcept {
  connection_.own_wire();
  try {
    std::rethrow_exception(error);
  } catch (const AbortedByUserException& e) {
    if (is_gone()) return;
    connection_.log(LogLevel::info, e.what());
    record_close(close_code::abnormal_closure, {});
    begun_by(By::handler);
    drop("aborted by the handler");
    end(e.what());
  } catch (const InvalidFrameException& e) {
    close_for_error(close_code::protocol_error, e.what());
  } catch (const ConnectionTerminatedException&) {
    // Over already; a handler that raises it by itself ends as if it had returned.
  } catch (const UnsupportedFrameException& e) {
    close_for_error(close_code::unsupported_data, e.what());
  } catch (const InvalidUTF8Exception& e) {
    close_for_error(close_code::invalid_payload, e.what());
  } catch (const std::exception& e) {
    connection_.log(LogLevel::error, std::string("the handler raised an exception: ") + e.what());
    add(connection_.counters().exceptions);
    close_for_error(close_code::internal_error, {});
  } catch (...) {
    connection_.log(LogLevel::error, "the handler raised something that is not a std::exception");
    add(connection_.counters().exceptions);
    close_for_error(close_code::internal_error, {});
  }
}

void Ending::close_for_error(CloseCode code, std::string_view what) {
  if (!is_open()) return;  // raised on account of the end, or too late to tell the peer
  if (!what.empty()) connection_.log(LogLevel::notice, "closing: " + std::string(what));
  start_closing(Close(code), "an exception escaped the handler", By::handler);
  end("another task has failed");
}

}  // namespace cppwebsocket::runtime
