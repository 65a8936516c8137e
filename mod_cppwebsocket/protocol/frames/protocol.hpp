// One connection's wire format after the handshake: bytes in, events and bytes out. It knows no
// socket, thread, clock or log. Pull style: call receive() until it says none, and act on each
// event before the next call; the object is consistent in between, so an answer may be sent, or
// the connection closed, from anywhere in the reaction.
// Thread: owner.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <cppwebsocket/close.hpp>
#include <cppwebsocket/message.hpp>
#include <cppwebsocket/position.hpp>

#include "protocol/frames/deflate.hpp"
#include "protocol/frames/output.hpp"

namespace cppwebsocket::protocol {

enum class Event : std::uint8_t {
  none,     // the input is used up, or the turn's share is; nothing is complete
  message,  // take_message()
  fragment,  // the same, after receive_in_fragments(): a part of a message, or all of it
  ping,     // control_payload()
  pong,     // control_payload()
  close,    // peer_close(); everything after it is discarded
  failure,  // failure(); everything after it is discarded. RFC 6455 §7.1.7
};

// Values of Protocol::wire_format(). With permessage-deflate it is the server's window, 9 to 15 bits.
namespace wire_format {
inline constexpr std::uint8_t rfc6455 = 0;
inline constexpr std::uint8_t hixie = 1;
inline constexpr std::uint8_t event_stream = 2;
inline constexpr std::uint8_t event_stream_in_chunks = 3;
}  // namespace wire_format

// Why a connection has to be failed: the code to send and a text of at most 123 bytes that any
// stranger may read.
struct Failure {
  CloseCode code = 0;
  std::string_view text;  // a literal
};

class Protocol {
 public:
  virtual ~Protocol() = default;

  // Consumes bytes from the front of `input` until one event is complete or the input is empty, or
  // until this turn's share of work is used up: then it returns none and leaves some input, with
  // which it goes on in a later turn. May change the bytes that it consumes (unmasking in place) and
  // keeps none of them.
  virtual Event receive(std::span<char>& input) = 0;

  std::size_t message_size() const noexcept { return message_.size(); }  // as take_message()
  Message&& take_message() noexcept { return std::move(message_); }  // to be moved from, at once

  // To be called before anything is received: messages come as Event::fragment, each as soon as it is
  // there and with some 64 KiB at most, and MessageAccess::continues() tells whether the message goes on.
  // `max_message_size` takes the place of the one that it was made with.
  virtual void receive_in_fragments(std::size_t /*max_message_size*/) {}

  // May refer to the input: valid until the next receive() or until the input's bytes go.
  std::string_view control_payload() const noexcept { return control_; }

  const Close& peer_close() const noexcept;  // before Event::close: an empty one
  const Failure& failure() const noexcept;   // before Event::failure: code 0

  // From now on it uses what another thread's connections share. To be called before anything was received or sent.
  virtual void move_to(SparePayloads& /*spare*/, DeflateWorkspace& /*workspace*/) noexcept {}

  // True in the middle of a frame or of a fragmented message: then an end of the input is unclean
  // and an idle connection is not idle.
  virtual bool in_message() const noexcept = 0;

  // Bytes of the message that is not complete, as they came; and since when it is coming, for whoever
  // has a clock: noted by him while in_message(), and forgotten with the message. Zero: not noted.
  std::size_t incomplete_size() const noexcept {
    return message_.size() + (seldom_ ? seldom_->given : 0);
  }
  std::chrono::steady_clock::time_point incomplete_since() const noexcept {
    return seldom_ ? seldom_->incomplete_since : std::chrono::steady_clock::time_point{};
  }
  void note_incomplete(std::chrono::steady_clock::time_point since) {
    seldom().incomplete_since = since;
  }
  void forget_incomplete() noexcept {
    if (seldom_) seldom_->incomplete_since = {};
  }

  // Each appends the frame's bytes to `out`. The session checks what the user may ask for
  // (state, UTF-8, sizes); these encode.
  // `end` false: the first or a further fragment, all of the first one's type.
  virtual void send_message(Message&& message, bool end, Output& out) = 0;
  virtual void send_ping(std::string_view body, Output& out) = 0;  // body <= 125 bytes
  virtual void send_pong(std::string_view body, Output& out) = 0;
  virtual void send_close(const Close& close, Output& out) = 0;

  // A message larger than TurnShare::compressed_at_once is to be sent in fragments, and not all of them
  // in one turn: they are compressed.
  virtual bool compresses_in_pieces() const noexcept { return false; }

  // Whole messages that are encoded once for many connections, by any of those that have the same
  // wire_format(). encode_shared appends one to `out`, whatever was sent before, `position` where the
  // format has a place for it; false: it cannot carry such a message. shared_sent: all that was
  // encoded so and has a compressed message in it has gone out on this connection.
  static constexpr std::size_t wire_formats = 16;
  virtual std::uint8_t wire_format() const noexcept = 0;
  virtual bool encode_shared(const Message& message, const Position& position,
                             std::string& out) const = 0;
  // As encode_shared, but of a message that it compresses and of which `done` bytes are in `out` it
  // appends `most` more at most. Returns how many bytes are done then: the message's size at its end.
  virtual std::size_t encode_shared_piece(const Message& message, const Position& position,
                                          std::size_t /*done*/, std::size_t /*most*/,
                                          std::string& out) const {
    encode_shared(message, position, out);
    return message.size();
  }
  virtual void shared_sent() noexcept {}

  // What is no message, in a format that has names for it. encode_named appends it to `out` as
  // encode_shared does a message; it is not called where has_names() is false.
  virtual bool has_names() const noexcept { return false; }
  // `retry`: after how long a client that has lost its connection comes back; 0: nothing is said.
  virtual void encode_named(std::string_view /*name*/, std::string_view /*text*/, const Position& /*position*/,
                            std::chrono::milliseconds /*retry*/, std::string& /*out*/) const {}

  // Gives back memory that is only there to make messages cheaper or smaller. To be called when
  // the connection has been idle for a while; messages may go on at any time.
  virtual void release_idle_memory() noexcept {}

  // What other formats lack. Without ping the session sends none and judges peers by traffic; without
  // close codes a Close carries nothing; without binary a binary message is our caller's fault.
  virtual bool has_ping() const noexcept { return true; }
  // False: a ping only keeps the way open, and the peer's silence means nothing.
  virtual bool has_pong() const noexcept { return true; }
  virtual bool has_binary() const noexcept { return true; }
  virtual bool has_closing_handshake() const noexcept { return true; }

 protected:
  // What most connections meet once, at their end, or never: it costs them nothing before.
  struct Seldom {
    std::unique_ptr<std::string> control;  // a control frame's payload that arrives in pieces
    Close peer_close;
    Failure failure;
    std::chrono::steady_clock::time_point incomplete_since{};
    std::size_t given = 0;      // bytes, as they came, of a message of which fragments were given
    bool in_fragments = false;  // receive_in_fragments()
  };

  Seldom& seldom();
  bool in_fragments() const noexcept { return seldom_ && seldom_->in_fragments; }
  void begin_fragments() { seldom().in_fragments = true; }
  Event closed_by_peer(Close&& close);                     // Event::close
  Event failed(CloseCode code, std::string_view literal);  // Event::failure

  Message message_;
  std::string_view control_;
  std::unique_ptr<Seldom> seldom_;
};

// RFC 6455. `max_message_size` (bytes, after inflating) is enforced while receiving: a frame that
// announces too much fails with 1009 before its payload is read. `deflate` is null without
// permessage-deflate. Memory for large messages comes from `spare` if that has some.
std::unique_ptr<Protocol> make_rfc6455(std::size_t max_message_size,
                                       std::unique_ptr<PerMessageDeflate> deflate,
                                       SparePayloads* spare = nullptr);

// draft-hixie-thewebsocketprotocol-76 (closing handshake 0xFF 0x00) and -75 (none).
std::unique_ptr<Protocol> make_draft76(std::size_t max_message_size);
std::unique_ptr<Protocol> make_draft75(std::size_t max_message_size);

}  // namespace cppwebsocket::protocol
