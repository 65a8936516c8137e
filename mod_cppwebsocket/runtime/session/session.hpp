// Session: one connection in motion. It joins a transport (bytes), a protocol (frames) and a
// handler's coroutines, and owns the connection's life from the handshake to the last byte.
//
// Everything happens in turns: the loop calls an entry point, the session parses, resumes the
// coroutines that can go on, and at the end of the turn writes what has gathered with one system
// call. Two things go on side by side and end independently: the handler's tasks, and the wire.
//
//   wire:     open ──we sent Close──▶ closing ──peer's Close, or deadline──▶ lingering ──▶ gone
//   handler:  running ──end(): every wait raises, stop requested──▶ ended ──tasks return──▶ done
//
// When the wire is gone and all tasks have returned, the loop destroys the session.
// Thread: construction, do_extra_handshake and open: an httpd worker. From start() on: the loop.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cppwebsocket/msgutil.hpp>

#include "protocol/frames/protocol.hpp"
#include "runtime/session/event_loop.hpp"
#include "runtime/handlers/handler.hpp"
#include "runtime/session/inbox.hpp"
#include "runtime/session/message_rules.hpp"
#include "runtime/session/operation_list.hpp"
#include "runtime/transport/transport.hpp"

namespace cppwebsocket::runtime {

class BlockingSession;
class RemoteControl;
class SessionGuest;

// Who counts sessions.
class SessionOwner {
 public:
  // A session of `loop` is destroyed. Thread: whichever destroys it.
  virtual void session_gone(EventLoop& loop, bool blocking) noexcept = 0;

 protected:
  ~SessionOwner() = default;
};

class Session final : public Request, private detail::TimerNode {
 public:
  // `owner`, which may be null, is told last of all.
  Session(std::unique_ptr<detail::RequestRecord> record, std::shared_ptr<const Handler> handler,
          EventLoop& loop, SessionOwner* owner = nullptr);
  ~Session();

  // --- on the httpd worker, before the hand-over -------------------------------------------

  // Runs the handler's web_socket_do_extra_handshake; raises what that raises.
  void do_extra_handshake();

  // The handshake is answered. `already_read` is what came behind it. Copies the record's text
  // out of httpd's memory and ends the handshake phase of the record.
  void open(std::unique_ptr<Transport> transport, std::unique_ptr<protocol::Protocol> protocol,
            std::string already_read);

  detail::RequestRecord& record() noexcept { return *record_; }
  EventLoop& loop() noexcept { return loop_; }

  // --- called by the loop ----------------------------------------------------------------------

  void start();
  void on_ready(bool readable, bool writable, bool hung_up);

  // on_ready() comes soon: fetch into the cache what it needs. The second, a while after the first.
  void fetch() const noexcept;
  void fetch_parts() const noexcept;

  // The child stops. The first, at `when`: the handler may say goodbye, then Close 1001. The
  // second: Close 1001 now. The last drops the wire; false if both sides had closed already.
  void go_away(detail::TimePoint when);
  void go_away_now();
  bool cut_off();

  // Where its loop keeps it.
  static constexpr std::uint32_t no_place = static_cast<std::uint32_t>(-1);
  std::uint32_t place() const noexcept { return place_; }
  void set_place(std::uint32_t place) noexcept { place_ = place; }

  int descriptor() const noexcept { return transport_ ? transport_->descriptor() : -1; }

  // --- for RemoteControl and BlockingSession, on the loop's thread ----------------------------

  // Runs `body` as a turn of this session.
  template <typename Body>
  void turn(Body&& body) {
    begin_turn();
    own_wire();
    guarded(body);
    end_turn();
  }
  // Writes a checked, whole message, while the wire is lent; what the kernel did not take stays in
  // `output`. Thread: the handler's.
  void write_lent(Message&& message, protocol::Output& output);
  // Sends a checked message without waiting; false if the wire does not take any more.
  bool send_now(Message&& message, bool end);
  bool send_whole(Message&& message);  // the same for a whole message, never between fragments
  void ping_now(std::string_view body);
  void close_now(const Close& close);    // starts the closing handshake, unless it has begun
  void close_for_stop();                 // the same with 1001, and whoever waits is told
  void report_goodbye(const std::exception_ptr& error) const noexcept;
  bool above_high_water() const noexcept { return unsent() > record_->limits.send_buffer_size; }
  void answer_peer_close(bool in_time = true);
  void task_ended(std::exception_ptr error, bool is_main);
  void report(const std::exception_ptr& error) noexcept;
  const std::exception_ptr& end_reason() const noexcept { return end_reason_; }
  bool ended_cleanly() const noexcept { return clean_end_; }
  const Handler& handler() const noexcept { return *handler_; }

  // --- for channels (session_guests.cpp), on the loop's thread --------------------------------------

  // A guest is told before the session goes, if it is still there then. Raises as spawn() does.
  void attach(SessionGuest& guest);
  void detach(SessionGuest& guest) noexcept;
  // Outside of a turn: offers whole messages to the kernel and returns how many bytes it took. Of a
  // message that it cut, the rest is to be appended before anything else happens. Nothing if there
  // is something unsent already, or a fragmented message is open.
  std::optional<std::size_t> write_shared(std::string_view bytes);
  // In a turn, between messages: goes behind what is unsent.
  void append_shared(const protocol::SharedBytes& bytes, std::size_t begin, std::size_t end);
  // Asks for refill() of all guests, as soon as nothing is unsent.
  void expect_guests() noexcept { guests_waiting_ = true; }
  // Waits as the handler's other operations do: until complete_now(), in a turn, or the end.
  void wait_for(detail::Operation& operation);
  void complete_now(detail::Operation& operation) noexcept;
  bool takes_messages() const noexcept { return wire_ == Wire::open; }
  bool in_fragments() const noexcept { return sending_fragments_; }
  bool has_ended() const noexcept { return ended_; }
  bool in_turn() const noexcept { return in_turn_; }
  const protocol::Protocol& protocol() const noexcept { return *protocol_; }

  // --- Request ---------------------------------------------------------------------------------

  void spawn(Task<> task) override;
  std::stop_token stop_token() override;
  Sender sender() override;
  bool begin(detail::ReceiveOperation& operation) override;
  std::optional<Message> take_received() noexcept override;
  bool send(Message&& message, bool end) override;
  bool send_ping(std::string_view body) override;
  bool wait_for_room(detail::SendOperation& operation) noexcept override;
  bool begin(detail::CloseOperation& operation, Close&& close) override;
  bool begin(detail::SleepOperation& operation, std::chrono::nanoseconds duration) override;
  void begin(detail::PoolOperation& operation) override;
  std::optional<Message> try_receive() override;

 private:
  enum class Wire : std::uint8_t { open, closing, lingering, gone };

  // What most connections never need: it costs them a pointer.
  struct Seldom {
    std::string unread;                    // bytes that wait, because the inbox is full
    std::optional<std::string> pong_owed;  // body of a ping that came while the peer took nothing
    std::vector<Message> held_back;        // whole messages behind a fragmented one
    std::vector<detail::RootTask> tasks;   // beside the main one
    std::shared_ptr<RemoteControl> remote;
    std::stop_source stop_source{std::nostopstate};
  };
  Seldom& seldom();

  // session.cpp: turns, input, output
  void begin_turn() noexcept;
  void end_turn() noexcept;
  template <typename Body>
  void guarded(Body&& body) noexcept {
    try {
      body();
    } catch (...) {
      report(std::current_exception());
    }
  }
  void read_some();
  void receive_bytes(std::span<char> input);
  void handle_event(protocol::Event event);  // but a message
  void answer_ping(std::string_view body);
  void deliver_message();
  void flush() noexcept;
  bool has_unread() const noexcept { return seldom_ && !seldom_->unread.empty(); }
  bool may_read() const noexcept;
  bool wants_input() const noexcept;
  std::size_t unsent() const noexcept { return output_->size() + unsent_by_transport_; }
  void wake_senders();
  void take_back_output() noexcept;
  void watch(Interest wanted) noexcept;

  // session_lent_wire.cpp: while owns_wire_ is false, a blocking handler's thread may be writing
  void own_wire() noexcept {
    if (!owns_wire_) take_back_wire();
  }
  void take_back_wire() noexcept;
  void lend_wire() noexcept;
  bool may_ever_lend_wire() const noexcept;

  // session_operations.cpp
  void require_started(const char* what) const;
  void require_sendable(const char* what) const {
    const bool is_sendable = record_->state != ReadyState::connecting && wire_ == Wire::open &&
                             !record_->server_terminated;
    if (!is_sendable) refuse_to_send(what);
  }
  [[noreturn]] void refuse_to_send(const char* what) const;
  void wait(detail::Operation& operation) noexcept;
  void complete(detail::Operation& operation) noexcept;
  void start_timer(detail::OperationTimer& timer, detail::Operation& operation);

  // session_tasks.cpp: the handler's coroutines, and what their exceptions become
  void run_main(Task<> task);
  void run_beside(Task<> task);
  void reap() noexcept {
    if (main_task_.has_ended() || seldom_) reap_ended();
  }
  void reap_ended() noexcept;
  void task_ended(detail::RootTask& task, bool is_main) noexcept;
  void close_for_error(CloseCode code, std::string_view what);

  // session_guests.cpp
  bool let_guests_send(bool all) noexcept;
  void tell_guests_of_end() noexcept;
  void say_goodbye_to_guests() noexcept;

  // session_leave.cpp: going away
  void leave();
  bool say_goodbye();
  Task<> goodbye();

  // session_end.cpp: closing, failing, timing out
  void on_peer_close();
  Close passive_close();
  void send_close(const Close& close);
  void start_closing(const Close& close, std::string_view cause);
  void fail(CloseCode code, std::string_view text);
  void lose(std::string_view why) noexcept;
  void begin_end() noexcept;
  void end(std::exception_ptr reason);
  void set_wire(Wire wire, std::string_view cause, const Close* by = nullptr);
  void restart_deadline() noexcept;
  void drop_wire(std::string_view cause);
  void record_close(CloseCode code, std::string_view reason);
  void housekeep();
  void rearm();
  detail::TimePoint next_housekeeping() const noexcept;
  detail::TimePoint idle_since() const noexcept;

  std::unique_ptr<detail::RequestRecord> record_;
  std::shared_ptr<const Handler> handler_;
  EventLoop& loop_;
  SessionOwner* const owner_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<protocol::Protocol> protocol_;
  std::unique_ptr<BlockingSession> blocking_;
  std::unique_ptr<Seldom> seldom_;
  std::exception_ptr end_reason_;        // what every wait raises once ended_
  protocol::Output* output_ = nullptr;         // for this turn: the backlog, or the loop's
  std::unique_ptr<protocol::Output> backlog_;  // what the kernel did not take
  Inbox inbox_;
  detail::RootTask main_task_;
  OperationList pending_;
  SessionGuest* guests_ = nullptr;
  detail::ReceiveOperation* receiver_ = nullptr;
  detail::TimePoint last_heard_{};       // a byte arrived, or a slow peer took some
  detail::TimePoint last_message_{};     // either way
  detail::TimePoint deadline_{};         // of the closing handshake or the linger
  detail::TimePoint leave_at_ = detail::TimePoint::max();  // when to go away; then: to send Close
  MessageRules rules_;
  Wire wire_ = Wire::open;
  std::uint32_t place_ = no_place;
  std::uint32_t tasks_ = 0;
  std::uint32_t senders_waiting_ = 0;
  std::uint32_t unsent_by_transport_ = 0;  // Transport::unsent(), as of its last call
  Interest interest_;
  bool in_turn_ : 1 = false;
  bool watched_ : 1 = false;             // by the loop, for interest_
  bool arriving_ : 1 = false;            // protocol_ has a message for the receiver being resumed
  bool owns_wire_ : 1 = true;            // false: it is lent to the handler's threads
  bool lends_wire_ : 1 = false;          // when it has nothing to write itself
  bool ended_ : 1 = false;               // the handler's waits raise end_reason_
  bool clean_end_ : 1 = false;           // but receive reports the peer's Close, once
  bool end_received_ : 1 = false;        // it has
  bool has_received_ : 1 = false;        // the handler is one that receives
  bool closed_by_handler_ : 1 = false;
  bool peer_close_waiting_ : 1 = false;  // the Close is behind messages not yet taken by the handler
  bool sending_fragments_ : 1 = false;
  bool guests_waiting_ : 1 = false;      // to refill()
  bool ping_sent_ : 1 = false;
  bool write_ended_ : 1 = false;
  bool leaving_ : 1 = false;             // the handler may say goodbye
  bool more_input_ : 1 = false;          // Transport::has_input(), as of its last call
};

}  // namespace cppwebsocket::runtime
