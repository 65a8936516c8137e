// Connection: what a session is made of, and what a coroutine handler asks of it (Request).
//
//   Wire    frames and bytes, guests that send beside the handler, lending (wire.hpp)
//   Tasks   the handler's coroutines and what they wait for (tasks.hpp)
//   Ending  the closing handshake, failures, leaving (ending.hpp); by the clock: time_limits.hpp
//
// Wire and Tasks know nothing of each other; Ending joins them, and knows both by way of the
// connection. Session, which is derived from it, says when each has its turn.
// Thread: construction, do_extra_handshake and open: an httpd worker. Then the loop's, in a turn.
#pragma once

#include <cassert>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <cppwebsocket/msgutil.hpp>

#include "runtime/handlers/handler.hpp"
#include "runtime/session/ending.hpp"
#include "runtime/session/message_rules.hpp"
#include "runtime/session/session_owner.hpp"
#include "runtime/session/tasks.hpp"
#include "runtime/session/wire.hpp"

namespace cppwebsocket::runtime {

class BlockingSession;

// Its timer is of the next look at the clock.
class Connection : public Request, protected detail::TimerNode {
 public:
  // Runs the handler's web_socket_do_extra_handshake; raises what that raises.
  void do_extra_handshake();

  // The handshake is answered. `already_read` is what came behind it. Copies the record's text
  // out of httpd's memory and ends the handshake phase of the record.
  void open(std::unique_ptr<Transport> transport, std::unique_ptr<protocol::Protocol> protocol,
            std::string already_read);

  // Opened, but not started: it will be run by another loop, or by none and is told so. Thread: who owns it.
  void move_to(EventLoop& loop) noexcept;
  void turn_away(const Close& close) noexcept;

  // An incoming message is to be complete so long after it began, and a second more for each
  // slowest_message bytes of it. 0: whenever it is. In whole seconds, at most 18 h. To be set before
  // open().
  static constexpr std::size_t slowest_message = 1 << 10;  // bytes a second
  std::chrono::seconds message_timeout() const noexcept {
    return std::chrono::seconds(message_timeout_);
  }
  void set_message_timeout(std::chrono::milliseconds time) noexcept {
    message_timeout_ =
        static_cast<std::uint16_t>(std::chrono::ceil<std::chrono::seconds>(time).count());
  }

  // How fast the peer may send. To be called before open(). Raises std::bad_alloc.
  void set_pace(const PaceLimits& limits) { tasks_.set_pace(std::make_unique<Pace>(limits)); }
  // The connection is closed at that time at the latest, whatever its handler asks for. The same.
  void set_latest_end(detail::TimePoint when, CloseCode code) { tasks_.set_term(true, when, Close(code, too_old)); }
  static constexpr char too_old[] = "too old";

  // Bytes of memory that it keeps from being used otherwise, as far as these may be many.
  std::size_t pinned() const noexcept {
    return wire_.pinned() + tasks_.inbox().bytes() + wire_.protocol().incomplete_size() +
           (blocking_ ? pinned_by_handler() : 0);
  }
  // Its timer fires in the next round. Raises std::bad_alloc.
  void look_soon() { loop().arm(*this, loop().now()); }

  // --- its parts ------------------------------------------------------------------------------

  EventLoop& loop() const noexcept { return wire_.loop(); }
  detail::RequestRecord& record() const noexcept { return *record_; }
  const Handler& handler() const noexcept { return *handler_; }
  BlockingSession* blocking() const noexcept { return blocking_.get(); }  // null: coroutines
  Wire& wire() noexcept { return wire_; }
  const Wire& wire() const noexcept { return wire_; }
  Tasks& tasks() noexcept { return tasks_; }
  const Tasks& tasks() const noexcept { return tasks_; }
  Ending& ending() noexcept { return ending_; }
  const Ending& ending() const noexcept { return ending_; }

  // --- turns, and what the parts do together in one ----------------------------------------------

  // Runs `body` as a turn: what it sends goes out at its end.
  template <typename Body>
  void turn(Body&& body) {
    const Running::Turn now(loop().watched().running(), this);
    begin_turn();
    own_wire();
    guarded(body);
    end_turn();
  }
  bool in_turn() const noexcept { return in_turn_; }

  // What `body` raises ends the connection as if the handler had raised it.
  template <typename Body>
  void guarded(Body&& body) noexcept {
    try {
      body();
    } catch (...) {
      ending_.report(std::current_exception());
    }
  }

  // Takes the wire back from the handler's threads, before anything else is done with it than to
  // receive messages.
  void own_wire() noexcept {
    if (!wire_.is_own()) take_back_wire();
  }

  // Resumes who waits for `operation`, and acts on the tasks that have ended then.
  void complete(detail::Operation& operation) noexcept {
    tasks_.complete(operation, loop());
    reap();
  }
  void reap() noexcept {
    if (tasks_.may_have_ended()) reap_ended();
  }

  // Gives the kernel what it takes; loses the connection if it cannot.
  void flush() noexcept {
    if (ending_.is_gone()) return;
    const Wire::Flushed flushed = wire_.flush();
    if (flushed.moved && !ending_.is_open()) ending_.restart_deadline();
    if (flushed.error != 0) ending_.lose(flushed.error);
  }
  // More is unsent than WebSocketSendBufferSize: senders wait, and nothing is read.
  bool above_high_water() const noexcept {
    return wire_.unsent() > record_->limits.send_buffer_size;
  }

  // A sender may go on: there is room, and this turn is not over.
  bool has_room() const noexcept { return !above_high_water() && !loop().turn_is_over(); }

  // Messages that others than the handler's coroutines have checked. False: they come too late.
  bool send_now(Message&& message, bool end);
  bool send_whole(Message&& message);  // never between fragments
  void send_ping_now(std::string_view body) {
    if (ending_.is_open()) wire_.send_ping(body);
  }

  // Messages that it does not get, because it is too slow.
  void count_dropped(std::uint64_t count) {
    add(counters().dropped, count);
    if (count != 0) record_->make_seldom().dropped += count;
  }
  HandlerCounters& counters() noexcept { return loop().counters(wire_.tally().slot); }

  // --- for guests -----------------------------------------------------------------------------

  // A guest is told before the connection goes, if it is still there then. Raises as spawn() does.
  void attach(SessionGuest& guest);
  void detach(SessionGuest& guest) noexcept { wire_.guests().detach(guest); }
  // Wire::write_shared() and append_shared(), if messages may be sent. The first returns how many
  // bytes the kernel took.
  std::optional<std::size_t> write_shared(std::string_view bytes);
  void append_shared(const protocol::SharedBytes& bytes, std::size_t begin, std::size_t end) {
    if (ending_.is_open()) wire_.append_shared(bytes, begin, end);
  }

  // --- Request --------------------------------------------------------------------------------

  void spawn(Task<> task) override;
  std::stop_token stop_token() override { return tasks_.stop_token(); }
  Sender sender() override;
  bool begin(detail::ReceiveOperation& operation) override;
  std::optional<Message> take_received(
      const detail::ReceiveOperation& operation) noexcept override {
    return tasks_.take_received(operation, wire_.protocol());
  }
  std::optional<Message> try_receive() override;
  bool send(Message&& message, bool end) override;
  bool send_ping(std::string_view body) override;
  bool wait_for_room(detail::SendOperation& operation) noexcept override;
  bool begin(detail::CloseOperation& operation, Close&& close) override;
  bool begin(detail::SleepOperation& operation, std::chrono::nanoseconds duration) override;
  void begin(detail::PoolOperation& operation) override;
  void begin(detail::DescriptorOperation& operation) override;
  void begin(detail::EventOperation& operation) override;
  void wait_for_all(detail::Operation& group) noexcept override { tasks_.wait_for_all(group); }
  void wake(detail::Operation& operation) noexcept override;
  detail::Branches& branches() override { return tasks_.branches(); }
  void cancel(std::uint16_t branch) noexcept override { tasks_.cancel(branch, *this); }
  void begin(detail::OutsideOperation& operation) override;
  void close_at(std::chrono::system_clock::time_point when, Close close) override;

 protected:
  Connection(std::unique_ptr<detail::RequestRecord> record, std::shared_ptr<const Handler> handler,
             EventLoop& loop);
  ~Connection();

  void set_blocking(std::unique_ptr<BlockingSession> blocking) noexcept;
  void start_handler();
  // That it is open, and that it is not any more.
  void begin_count() noexcept;
  void end_count() noexcept;
  void begin_turn() noexcept {
    assert(!in_turn_);
    in_turn_ = true;
    loop().begin_turn();
  }
  virtual void end_turn() noexcept = 0;  // calls turn_ended()
  void turn_ended() noexcept;
  // How much is unsent, for whoever asks.
  void tell_unsent() noexcept {
    record_->buffered.store(wire_.unsent(), std::memory_order_relaxed);
    if (tasks_.remote() || blocking_) tell_other_threads();
  }

 private:
  friend struct DebugLayout;  // httpd/child/debug_layout.cpp
  void tell_other_threads() noexcept;
  void take_back_wire() noexcept;
  void reap_ended() noexcept;
  std::size_t pinned_by_handler() const noexcept;
  void require_started(const char* what) const {
    if (record_->state == ReadyState::connecting) ending_.refuse_unstarted(what);
  }
  void require_sendable(const char* what) const {
    const bool is_sendable = record_->state != ReadyState::connecting && ending_.is_open() &&
                             !record_->server_terminated;
    if (!is_sendable) ending_.refuse_to_send(what);
  }

  const std::unique_ptr<detail::RequestRecord> record_;
  std::shared_ptr<const Handler> handler_;
  std::unique_ptr<BlockingSession> blocking_;
  // Each shares its last bytes with what stands below it.
  [[no_unique_address]] Wire wire_;
  [[no_unique_address]] Tasks tasks_;
  MessageRules rules_;
  std::uint16_t message_timeout_ = 0;  // seconds; here, where a session has room for it
  bool in_turn_ = false;                // the same
  [[no_unique_address]] Ending ending_;
};

}  // namespace cppwebsocket::runtime
