// The wire of a session: frames and bytes over its transport, from the handler, from guests and
// from a blocking handler's thread, to which it can be lent.
//
// What is sent gathers for the length of a turn in an output that the loop lends, and leaves with
// flush(). What the kernel did not take is kept here. So an idle wire has no buffer.
//
// The wire judges nothing: whoever calls knows whether something may still be sent or read, and
// what an error means. Before open() only is_open() may be asked, after close() what does not need
// the transport.
// Thread: open(): an httpd worker; write_lent(): whoever the wire is lent to; all else: the
// session's, while the wire is its own.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cppwebsocket/message.hpp>

#include "protocol/frames/protocol.hpp"
#include "runtime/counters/tally.hpp"
#include "runtime/loop/ticks.hpp"
#include "runtime/session/event_loop.hpp"
#include "runtime/session/guests.hpp"
#include "runtime/session/lent_wire.hpp"
#include "runtime/transport/transport.hpp"

namespace cppwebsocket::runtime {

class Wire {
 public:
  explicit Wire(EventLoop& loop) noexcept : loop_(&loop) {}

  // `may_lend`: there is a thread of the handler's to lend the wire to.
  void open(std::unique_ptr<Transport> transport, std::unique_ptr<protocol::Protocol> protocol,
            bool may_lend);
  void start() noexcept {
    heard_at_ = message_at_ = Ticks(loop_->now());
    tally_.begin(loop_->now());
  }
  void close() noexcept { transport_.reset(); }
  bool is_open() const noexcept { return transport_ != nullptr; }

  EventLoop& loop() const noexcept { return *loop_; }
  // Opened, but not started.
  void move_to(EventLoop& loop) noexcept {
    loop_ = &loop;
    protocol_->move_to(loop.spare_payloads(), loop.deflate_workspace());
  }
  void turn_away(const Close& close);  // raises std::bad_alloc
  const protocol::Protocol& protocol() const noexcept { return *protocol_; }
  protocol::Protocol& protocol() noexcept { return *protocol_; }
  int descriptor() const noexcept { return transport_ ? transport_->descriptor() : -1; }
  void fetch() const noexcept;  // into the cache, what read() and flush() need

  // What the loop watches it for.
  bool is_watched() const noexcept { return is_watched_; }
  Interest interest() const noexcept { return interest_; }
  void set_watched(Interest interest) noexcept;

  // --- what comes in --------------------------------------------------------------------------

  // Reads once, into the loop's receive buffer.
  IoResult read() noexcept {
    const IoResult result = transport_->read(loop_->receive_buffer());
    has_input_ = transport_->has_input();
    unsent_by_transport_ = transport_->unsent();
    if (result.status == IoStatus::ok) {
      add(loop_->counters().in, result.bytes);
      count_as_heard();
      waits_for_pong_ = false;
    }
    return result;
  }
  bool has_input() const noexcept { return has_input_; }  // that the descriptor may not show

  // When a byte last arrived, or a slow peer took some; and when a message last went either way.
  detail::TimePoint heard_at() const noexcept { return heard_at_.before(loop_->now()); }
  detail::TimePoint message_at() const noexcept { return message_at_.before(loop_->now()); }
  void count_as_heard() noexcept { heard_at_ = Ticks(loop_->now()); }

  // What has passed: to be read while the wire is its own.
  const Tally& tally() const noexcept { return tally_; }
  std::optional<Carried> carried() const noexcept {
    return transport_ ? transport_->carried() : std::nullopt;
  }
  void count_in_slot(std::uint16_t slot) noexcept { tally_.slot = slot; }  // before start()
  // In a turn. Of messages that the handler gets, `bytes` of payload, and `messages` that end with it.
  void count_received(std::size_t bytes, unsigned messages = 1) noexcept {
    loop_->turn_traffic().messages_in += messages;
    loop_->turn_traffic().bytes_in += bytes;
  }
  // The same of those that go out, in a turn or outside.
  void count_sent(std::size_t bytes, std::size_t messages = 1) noexcept {
    if (is_blocking_) return count_sent_by_threads(bytes, messages);
    tally_.messages_out += messages;
    tally_.bytes_out += bytes;
    HandlerCounters& handler = loop_->counters(tally_.slot);
    add(handler.messages_out, messages);
    add(handler.bytes_out, bytes);
  }
  // Before the end of a turn: counts what passed in it.
  void settle() noexcept {
    if (!loop_->turn_traffic().is_empty()) settle(std::exchange(loop_->turn_traffic(), {}));
  }

  // --- what goes out --------------------------------------------------------------------------

  // What gathers in this turn: the backlog, or the loop's.
  protocol::Output& output() noexcept { return waiting_ ? waiting_->output : loop_->spare_output(); }
  std::size_t unsent() const noexcept {  // bytes; of what is not compressed yet, as it is
    return (waiting_ ? waiting_->output.size() + waiting_->uncompressed
                     : loop_->spare_output().size()) +
           unsent_by_transport_;
  }
  // The kernel takes no more at the moment.
  bool is_stuck() const noexcept {
    return (waiting_ && !waiting_->output.empty()) || unsent_by_transport_ != 0;
  }
  std::size_t unsent_and_held_back() const noexcept;
  std::size_t pinned() const noexcept { return waiting_ ? pinned_by_waiting() : 0; }  // bytes of memory

  // A checked message, or a fragment if not `end`; what guests have waiting goes before it.
  void send(Message&& message, bool end);
  // A whole one, never between fragments (RFC 6455 §5.4): it may be held back till the last.
  void send_whole(Message&& message);
  // A large message that is compressed goes out in fragments, a turn's share at a time, and what is
  // sent after it waits behind it. True if go_on_compressing() has something to do.
  bool can_go_on_compressing() const noexcept {
    return waiting_ && waiting_->in_pieces &&
           waiting_->output.size() < protocol::TurnShare::compressed_at_once;
  }
  void go_on_compressing();
  // Forgets what is held back, and returns how many messages that was.
  std::size_t drop_held_back() noexcept;
  bool in_fragments() const noexcept { return in_fragments_; }

  void send_ping(std::string_view body) { protocol_->send_ping(body, output()); }
  // A ping of our own, to hear whether the peer is still there: waits_for_pong() until it is heard.
  void probe();
  bool waits_for_pong() const noexcept { return waits_for_pong_; }
  void send_pong(std::string_view body) { protocol_->send_pong(body, output()); }
  // A pong for when there is room again. The last one is enough (RFC 6455 §5.5.3).
  void owe_pong(std::string_view body);
  bool owes_pong() const noexcept { return waiting_ && waiting_->pong; }
  void pay_pong();
  void send_close(const Close& close);

  // Gives the kernel what it takes.
  struct Flushed {
    bool moved = false;  // it took some bytes
    int error = 0;       // errno
  };
  Flushed flush() noexcept;
  // The last of a turn: keeps what is unsent, and the loop has its output back. Raises
  // std::bad_alloc, and then nothing has changed.
  // Returns how long the peer has not taken it, if that is over now; else 0.
  std::chrono::nanoseconds keep_unsent() {
    if (waiting_ || !loop_->spare_output().empty()) return keep_waiting();
    return {};
  }
  // How long what is unsent has waited so far.
  std::chrono::nanoseconds waited() const noexcept;
  // Forgets what is unsent and returns its bytes; what is held back stays.
  std::size_t drop_unsent() noexcept;
  // With nothing unsent: says that no more comes. To be called until output_ended().
  void end_output() noexcept;
  bool output_ended() const noexcept { return output_ended_; }

  // --- for guests -----------------------------------------------------------------------------

  Guests& guests() noexcept { return guests_; }
  const Guests& guests() const noexcept { return guests_; }

  // Outside of a turn: offers whole messages to the kernel at once and returns what became of it.
  // Of a message that it cut, the rest is to be appended before anything else happens. Nothing if
  // there is something unsent already, or a fragmented message is open.
  std::optional<IoResult> write_shared(std::string_view bytes) noexcept {
    assert(is_own_ && loop_->spare_output().empty());
    if (in_fragments_ || waiting_ || unsent_by_transport_ != 0) return std::nullopt;
    message_at_ = Ticks(loop_->now());
    const IoResult result = transport_->write(std::span(&bytes, 1));
    unsent_by_transport_ = transport_->unsent();
    add(loop_->counters().out, result.bytes);
    protocol_->shared_sent();
    return result;
  }
  // In a turn, between messages: goes behind what is unsent. Of both, whoever knows what they are says
  // count_sent().
  void append_shared(const protocol::SharedBytes& bytes, std::size_t begin, std::size_t end);
  // Between messages, if nothing is unsent, or in any case with `all`. True if they had something.
  bool let_guests_send(bool all) noexcept;

  // --- lending --------------------------------------------------------------------------------

  // False: a handler's thread may be writing, and nothing but read() is to be called.
  bool is_own() const noexcept { return is_own_; }
  // There is nothing to write, and nobody else who writes: lend() it, the last of a turn.
  bool can_be_lent() const noexcept {
    return lends_ && is_own_ && !waiting_ && !in_fragments_ && guests_.empty();
  }
  void lend(LentWire& to) noexcept;
  void take_back(LentWire& from) noexcept;
  // Writes a checked, whole message; what the kernel did not take stays in `output`.
  void write_lent(Message&& message, protocol::Output& output);

 private:
  // A message larger than a turn compresses, and all that is sent behind it, in this order.
  struct InPieces {
    struct Part {
      Message message;
      bool end = true;
      protocol::SharedBytes shared;  // if set, these are sent, from `begin` on
      std::size_t begin = 0;         // of a message: what was sent of it
      std::size_t shared_end = 0;
    };
    std::deque<Part> parts;
    std::optional<Close> close;
  };
  // What waits to be sent; most wires have nothing.
  struct Waiting {
    protocol::Output output;         // the backlog: what the kernel did not take
    std::vector<Message> held_back;  // whole messages behind a fragmented one
    std::optional<std::string> pong;
    std::unique_ptr<InPieces> in_pieces;
    detail::TimePoint since{};     // it is kept over a turn's end
    std::size_t uncompressed = 0;  // its bytes, and one for each of its parts
  };
  void settle(const Traffic& turn) noexcept;
  // Of a handler that blocks, whose threads count, too, while they have the wire: they may not look at
  // the bits below.
  void count_sent_by_threads(std::size_t bytes, std::size_t messages) noexcept {
    tally_.messages_out += messages;
    tally_.bytes_out += bytes;
    HandlerCounters& handler = loop_->counters(tally_.slot);
    add_shared(handler.messages_out, messages);
    add_shared(handler.bytes_out, bytes);
  }
  Waiting& waiting();
  std::chrono::nanoseconds keep_waiting();
  std::size_t pinned_by_waiting() const noexcept;
  void send_held_back();
  void put(Message&& message, bool end);
  void put_behind(InPieces::Part&& part, std::size_t size);

  EventLoop* loop_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<protocol::Protocol> protocol_;
  std::unique_ptr<Waiting> waiting_;
  Tally tally_;
  Ticks heard_at_, message_at_;
  [[no_unique_address]] Guests guests_;  // whose last bytes those below share
  Interest interest_;
  bool is_watched_ : 1 = false;
  bool has_input_ : 1 = false;  // Transport::has_input(), as of its last call
  bool is_own_ : 1 = true;
  bool lends_ : 1 = false;  // if it has nothing to write itself
  bool in_fragments_ : 1 = false;
  bool waits_for_pong_ : 1 = false;
  bool output_ended_ : 1 = false;
  bool is_blocking_ : 1 = false;
  std::uint32_t unsent_by_transport_ = 0;  // Transport::unsent(), as of its last call
};

}  // namespace cppwebsocket::runtime
