// How a session ends: the closing handshake from both sides (RFC 6455 §7.1), connections that are
// failed or lost, and what an exception of the handler's becomes.
//
//   open ──we sent Close──▶ closing ──peer's Close, or deadline──▶ lingering ──▶ gone
//
// Lingering: both Closes are sent, or there is no use in ours; we read on until the peer closes
// TCP. The handler's waits end on their own line (tasks.hpp), at the latest with the wire. Thread:
// the session's, in a turn of it.
#pragma once

#include <cstdint>
#include <exception>
#include <string_view>

#include <cppwebsocket/close.hpp>
#include <cppwebsocket/detail/operations.hpp>

#include "runtime/loop/ticks.hpp"
#include "runtime/session/leaving.hpp"

namespace cppwebsocket::runtime {

class Connection;

class Ending {
 public:
  enum class State : std::uint8_t { open, closing, lingering, gone };

  // Who began it: the first of these to do so.
  enum class By : std::uint8_t { nobody, client, handler, server };

  explicit Ending(Connection& connection) noexcept : connection_(connection) {}

  State state() const noexcept { return state_; }
  bool is_open() const noexcept { return state_ == State::open; }
  bool is_gone() const noexcept { return state_ == State::gone; }
  bool is_lingering() const noexcept { return state_ == State::lingering; }

  // `nobody`: it is open, or was cut.
  By by() const noexcept { return by_; }
  // The code of whoever began it: the client's, or the one that was sent; 1006 if it was cut.
  CloseCode code() const noexcept;

  // The peer's Close is here, and answered when the handler has received all that came before it.
  bool peer_close_waits() const noexcept { return peer_close_waits_; }
  // When to wait no longer: for the answer to a Close, or for the end of lingering.
  detail::TimePoint deadline() const noexcept;
  Leaving& leaving() noexcept { return leaving_; }
  const Leaving& leaving() const noexcept { return leaving_; }

  // Raise what a handler is told that asks for `what` (a function's name): too early; at any time.
  [[noreturn]] void refuse_unstarted(const char* what) const;
  [[noreturn]] void refuse_to_send(const char* what) const;

  // --- the closing handshake ------------------------------------------------------------------

  void on_peer_close();
  // The handler has come to the Close that waits; or it has not, `in_time`.
  void answer_peer_close(bool in_time = true);
  void answer_waiting_close() {
    if (peer_close_waits_) answer_peer_close();
  }
  // Sends ours, unless it has begun. Waits of the handler's end when the peer has answered.
  void close_now(const Close& close, By by = By::handler);
  // The handler's close_connection(). True: there is nothing to wait for.
  bool begin(detail::CloseOperation& operation, Close&& close);
  // Sends our Close, with which everything that was accepted goes before. Only while it is open.
  void start_closing(const Close& close, std::string_view cause, By by = By::server);

  // --- other ends -----------------------------------------------------------------------------

  void fail(CloseCode code, std::string_view text);  // RFC 6455 §7.1.7: the peer broke the protocol
  void fail_too_big();  // what is received whole, of a message that comes in fragments
  void lose(std::string_view why) noexcept;          // there is nobody there any more
  void lose(int error) noexcept;                     // the same, by an errno
  void drop(std::string_view cause);                 // the wire, whatever waits on it
  // All waits of the handler's raise `reason`. It hears only of the first end.
  void end(std::exception_ptr reason);
  void end(std::string_view why);  // with ConnectionTerminatedException
  // The code and reason that the handler sees; the first count.
  void record_close(CloseCode code, std::string_view reason);
  // While it ends, the deadline counts from our last byte.
  void restart_deadline() noexcept;

  // --- the handler's ends ---------------------------------------------------------------------

  void task_ended(std::exception_ptr error, bool is_main);
  // The one place where an exception becomes a close code; exceptions.hpp has the table.
  void report(const std::exception_ptr& error) noexcept;

 private:
  Close passive_close();
  void send_close(const Close& close);
  void begin_end() noexcept;
  void close_for_error(CloseCode code, std::string_view what);
  void begun_by(By by) noexcept {
    if (by_ == By::nobody && is_open()) by_ = by;
  }
  void enter(State state, std::string_view cause, const Close* by = nullptr);

  Connection& connection_;
  [[no_unique_address]] Leaving leaving_;  // whose last bytes those below share
  State state_ : 2 = State::open;
  By by_ : 2 = By::nobody;
  bool peer_close_waits_ : 1 = false;
  bool closed_by_handler_ : 1 = false;
  CloseCode sent_ = 0;  // 0: none
  Ticks waits_since_;  // for the deadline
};

}  // namespace cppwebsocket::runtime
