// RFC 6455's wire format, the server's side, with permessage-deflate (RFC 7692) on top. What it
// receives is in rfc6455_receive.cpp and, of messages in fragments, in rfc6455_fragments.cpp, what it sends in
// rfc6455.cpp; others know it as a Protocol.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/frames/deflate.hpp"
#include "protocol/frames/frame.hpp"
#include "protocol/frames/mask.hpp"
#include "protocol/frames/protocol.hpp"
#include "protocol/frames/utf8.hpp"

namespace cppwebsocket::protocol {

class Rfc6455 final : public Protocol {
 public:
  Rfc6455(std::size_t max_message_size, std::unique_ptr<PerMessageDeflate> deflate,
          SparePayloads* spare) noexcept
      : max_message_size_(max_message_size), deflate_(std::move(deflate)), spare_(spare) {}

  Event receive(std::span<char>& input) override;
  void receive_in_fragments(std::size_t max_message_size) override;

  void move_to(SparePayloads& spare, DeflateWorkspace& workspace) noexcept override {
    spare_ = &spare;
    if (deflate_) deflate_->move_to(workspace);
  }

  bool in_message() const noexcept override {
    return in_frame_ || header_size_ != 0 || fragmented_;
  }

  void send_message(Message&& message, bool end, Output& out) override;
  void send_ping(std::string_view body, Output& out) override {
    send_control(Opcode::ping, body, out);
  }
  void send_pong(std::string_view body, Output& out) override {
    send_control(Opcode::pong, body, out);
  }
  void send_close(const Close& close, Output& out) override;

  bool compresses_in_pieces() const noexcept override {  // its first fragment tells
    return deflate_ && deflate_->wants(TurnShare::compressed_at_once);
  }

  std::uint8_t wire_format() const noexcept override {
    return deflate_ ? deflate_->window_bits() : wire_format::rfc6455;
  }
  bool encode_shared(const Message& message, const Position&, std::string& out) const override;
  std::size_t encode_shared_piece(const Message& message, const Position&, std::size_t done,
                                  std::size_t most, std::string& out) const override;
  // What is sent next must not refer to what the peer's window has moved past.
  void shared_sent() noexcept override { release_idle_memory(); }

  void release_idle_memory() noexcept override {
    if (deflate_) deflate_->release_compressor();
  }

 private:
  bool receive_small(std::span<char>& input);
  [[gnu::noinline]] Event receive_any(std::span<char>& input);
  // Receiving, in this order; each returns none to go on.
  Event receive_header(std::span<char>& input);
  Event begin_frame(const char* header);
  Event begin_data_frame(bool rsv1);
  Event receive_payload(std::span<char>& input);
  void make_room(std::uint64_t size);
  // What is in `payload` then means nothing.
  void reuse_small(std::string& payload, std::size_t size) noexcept {
    if (spare_ && payload.capacity() < size) payload = spare_->take_small();
  }
  Event receive_data(std::span<char> piece, std::size_t offset, std::span<char>& input);
  Event end_message(std::span<char>& input);
  Event inflate(std::span<char>& input);
  Event receive_fragment(std::span<char> piece, std::size_t offset, std::span<char>& input);
  Event inflate_fragment(std::span<char>& input);
  Event end_fragment(bool ends);
  Event receive_control(std::string_view piece);
  Event end_control();
  Event end_close();

  void end_of_input() noexcept;
  Event fail(CloseCode code, std::string_view text);
  Event fail_protocol(std::string_view text) { return fail(close_code::protocol_error, text); }
  Event fail_utf8() { return fail(close_code::invalid_payload, "a text is not valid UTF-8"); }
  Event fail_too_big() {
    return fail(close_code::message_too_big, "the message is larger than this server accepts");
  }

  static void send_control(Opcode opcode, std::string_view body, Output& out);

  // The message's bytes so far, as they came (compressed, or not); those that were not given yet.
  std::string& collected() noexcept {
    std::string&& payload = std::move(message_).payload();
    return payload;
  }

  std::size_t max_message_size_;
  std::unique_ptr<PerMessageDeflate> deflate_;
  SparePayloads* spare_;
  std::uint64_t remaining_ = 0;  // bytes of the frame's payload to come
  MaskingKey key_{};
  std::uint8_t key_offset_ = 0;
  std::uint8_t header_size_ = 0;  // bytes of a header that comes in pieces
  std::array<char, max_client_header> header_;
  Utf8Validator utf8_;  // of the message being received; complete between messages
  Opcode opcode_ = Opcode::continuation;  // of the frame
  bool fin_ = false;                      // of the frame
  bool in_frame_ = false;                 // behind its header
  bool fragmented_ = false;               // a message has begun, and its last frame has not
  bool compressed_ = false;               // the message being received
  bool inflating_ = false;                // it is here, and only the turn's share was used up
  bool over_ = false;                     // RFC 6455 §5.5.1, §7.1.7: what follows means nothing
  Event small_event_ = Event::message;    // of a message that comes the short way
  bool sending_fragments_ = false;
  bool sending_compressed_ = false;
};

static_assert(sizeof(Rfc6455) <= 152, "every idle connection pays for it");

}  // namespace cppwebsocket::protocol
