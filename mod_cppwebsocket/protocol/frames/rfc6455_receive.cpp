// RFC 6455 §5: frames of a client become messages, pings, pongs and Closes, or a failure with the code
// that the RFC names.
#include "protocol/frames/rfc6455.hpp"

#include <algorithm>
#include <limits>

#include "protocol/frames/unmask_small.hpp"

namespace cppwebsocket::protocol {

namespace {

// A message announced up to this size gets its memory at once; a bigger one as its bytes come, so
// that announcing costs the peer something. Untouched memory is not resident anyway.
constexpr std::size_t trusted_size = 1 << 20;  // bytes

// Compressed bytes accepted for a message of `max_message_size`: what does not compress grows by
// a few bytes per block, and every flush of the peer costs five.
constexpr std::size_t max_compressed_size(std::size_t max_message_size) noexcept {
  const std::size_t slack = max_message_size / 64 + 1024;
  return std::min(max_message_size, std::numeric_limits<std::size_t>::max() - slack) + slack;
}

MaskingKey masking_key(const char* bytes) noexcept {
  MaskingKey key;
  std::copy_n(bytes, key.size(), key.begin());
  return key;
}

}  // namespace

// The usual case, and nothing but a shorter way through what follows: a whole message in one small
// frame, all of it here.
[[gnu::always_inline]] inline bool Rfc6455::receive_small(std::span<char>& input) {
  if (in_frame_ || header_size_ != 0 || fragmented_ || over_ || input.size() < 6) return false;
  const auto first = static_cast<unsigned char>(input[0]);
  const bool is_text = first == (frame::fin | static_cast<unsigned>(Opcode::text));
  if (!is_text && first != (frame::fin | static_cast<unsigned>(Opcode::binary))) return false;
  const auto second = static_cast<unsigned char>(input[1]);
  std::size_t size = second & frame::length;
  if ((second & frame::masked) == 0 || size >= frame::length_16 || size > max_message_size_ ||
      input.size() < 6 + size)
    return false;
  char* const payload = input.data() + 6;
  const bool is_ascii = unmask_small(payload, size, input.data() + 2);
  if (is_text && !is_ascii && !is_utf8({payload, size})) {
    apply_mask({payload, size}, masking_key(input.data() + 2));  // as it was: the long way fails it
    return false;
  }
  // g++ 12 would copy what it knows to be small with rep movs, which takes longer than all the rest.
  asm("" : "+r"(size));
  std::string& text = collected();
  reuse_small(text, size);
  text.assign(payload, size);
  detail::MessageAccess::set_type(message_, is_text ? Message::Type::text : Message::Type::binary);
  if (is_text) detail::MessageAccess::set_validated(message_);
  input = input.subspan(6 + size);
  return true;
}

Event Rfc6455::receive(std::span<char>& input) {
  return receive_small(input) ? small_event_ : receive_any(input);
}

Event Rfc6455::receive_any(std::span<char>& input) {
  Event event = Event::none;
  if (inflating_) {
    event = in_fragments() ? inflate_fragment(input) : inflate(input);
    if (inflating_) return event;
  }
  while (event == Event::none && !over_) {
    if (!in_frame_) event = receive_header(input);
    if (in_frame_) event = receive_payload(input);
    if (event == Event::none && (input.empty() || inflating_)) return event;
  }
  if (over_) input = input.last(0);
  return event;
}

Event Rfc6455::receive_header(std::span<char>& input) {
  if (header_size_ == 0 && input.size() >= 2) {
    const std::size_t size = frame::client_header_size(static_cast<unsigned char>(input[1]));
    if (input.size() >= size) {
      const char* const header = input.data();
      input = input.subspan(size);
      return begin_frame(header);
    }
  }
  const auto take = [&](std::size_t size) {  // until `size` bytes are there, if they are
    const std::size_t count = std::min(size - header_size_, input.size());
    std::copy_n(input.begin(), count, header_.begin() + header_size_);
    header_size_ = static_cast<std::uint8_t>(header_size_ + count);
    input = input.subspan(count);
    return header_size_ == size;
  };
  if (header_size_ < 2 && !take(2)) return Event::none;
  if (!take(frame::client_header_size(static_cast<unsigned char>(header_[1])))) return Event::none;
  header_size_ = 0;
  return begin_frame(header_.data());
}

// RFC 6455 §5.2. `header` is complete.
Event Rfc6455::begin_frame(const char* header) {
  const auto byte = [header](std::size_t i) -> unsigned {
    return static_cast<unsigned char>(header[i]);
  };
  fin_ = (byte(0) & frame::fin) != 0;
  opcode_ = static_cast<Opcode>(byte(0) & frame::opcode);
  const bool rsv1 = (byte(0) & frame::rsv1) != 0;
  if (byte(0) & frame::rsv2_and_3) return fail_protocol("a reserved bit is set");
  if ((byte(1) & frame::masked) == 0)  // §5.1
    return fail_protocol("a client's frame is not masked");

  const unsigned short_length = byte(1) & frame::length;
  std::size_t at = 2;
  remaining_ = short_length;
  if (short_length >= frame::length_16) {
    const std::size_t size = short_length == frame::length_16 ? 2 : 8;
    for (remaining_ = 0; at < 2 + size; ++at) remaining_ = remaining_ << 8 | byte(at);
    if (remaining_ >> 63) return fail_protocol("a frame's length has its highest bit set");
    if (remaining_ < (size == 2 ? frame::length_16 : 0x10000U))
      return fail_protocol("a frame's length is not in its shortest form");
  }
  key_ = masking_key(header + at);
  key_offset_ = 0;
  in_frame_ = true;

  switch (opcode_) {
    case Opcode::continuation:
    case Opcode::text:
    case Opcode::binary:
      return begin_data_frame(rsv1);
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong:
      break;
    default:
      return fail_protocol("an unknown opcode");
  }
  // §5.5
  if (rsv1) return fail_protocol("a reserved bit is set in a control frame");
  if (!fin_) return fail_protocol("a control frame is fragmented");
  if (remaining_ > max_control_payload) return fail_protocol("a control frame is over 125 bytes");
  control_ = {};
  return Event::none;
}

// RFC 6455 §5.4, RFC 7692 §6.
Event Rfc6455::begin_data_frame(bool rsv1) {
  if (opcode_ == Opcode::continuation) {
    if (!fragmented_) return fail_protocol("a continuation frame without a message to continue");
    if (rsv1) return fail_protocol("a reserved bit is set in a continuation frame");
  } else {
    if (fragmented_) return fail_protocol("a new message inside a fragmented one");
    if (rsv1 && !deflate_) return fail_protocol("a reserved bit is set");
    compressed_ = rsv1;
    const auto type = opcode_ == Opcode::text ? Message::Type::text : Message::Type::binary;
    if (message_.type() != type || !message_.empty() || in_fragments())
      message_ = Message(type, std::string());
  }
  const std::size_t limit =
      compressed_ ? max_compressed_size(max_message_size_) : max_message_size_;
  if (remaining_ > limit - incomplete_size()) return fail_too_big();
  fragmented_ = true;  // until its last byte
  return Event::none;
}

Event Rfc6455::receive_payload(std::span<char>& input) {
  const std::span<char> piece = input.first(std::min<std::uint64_t>(remaining_, input.size()));
  input = input.subspan(piece.size());
  const std::size_t offset = key_offset_;
  key_offset_ = static_cast<std::uint8_t>((offset + piece.size()) % key_.size());
  remaining_ -= piece.size();
  if (remaining_ == 0) in_frame_ = false;
  if (!is_control(opcode_)) return receive_data(piece, offset, input);
  apply_mask(piece, key_, offset);
  return receive_control({piece.data(), piece.size()});
}

// For a message's first frame, or what came of it.
void Rfc6455::make_room(std::uint64_t size) {
  std::string& payload = collected();
  if (size <= SparePayloads::most_small) return reuse_small(payload, size);
  if (spare_) payload = spare_->take(size);
  payload.reserve(std::min<std::uint64_t>(size, trusted_size));
}

// `piece` is still masked; its first byte meets the key at `offset`.
Event Rfc6455::receive_data(std::span<char> piece, std::size_t offset, std::span<char>& input) {
  if (piece.empty() && remaining_ != 0) return Event::none;
  if (in_fragments()) return receive_fragment(piece, offset, input);
  std::string& payload = collected();
  const std::size_t before = payload.size();
  if (before == 0) {
    make_room(piece.size() + remaining_);
    payload.clear();
  }
  const bool is_ascii = append_masked(payload, piece, key_, offset);
  const bool ends = remaining_ == 0 && fin_;
  if (!compressed_ && message_.is_text()) {  // RFC 6455 §8.1, as soon as it shows
    if (ends && before == 0) {               // the usual case: it is all there
      if (!is_ascii && !is_utf8(payload)) return fail_utf8();
    } else if (!(is_ascii && utf8_.complete())) {
      if (!utf8_.feed(std::string_view(payload).substr(before))) return fail_utf8();
    }
  }
  return ends ? end_message(input) : Event::none;
}

Event Rfc6455::end_message(std::span<char>& input) {
  if (compressed_) return inflate(input);
  fragmented_ = false;
  if (!utf8_.complete()) return fail_utf8();
  if (message_.is_text()) detail::MessageAccess::set_validated(message_);
  return Event::message;
}

// A whole message. While it is unfinished, its last byte stays in the input, so that whoever has
// that knows that there is more to do.
Event Rfc6455::inflate(std::span<char>& input) {
  if (std::exchange(inflating_, false)) input = input.subspan(1);
  std::string inflated;
  switch (deflate_->inflate(collected(), max_message_size_, inflated)) {
    case InflateResult::ok:
      break;
    case InflateResult::unfinished:
      inflating_ = true;
      input = {input.data() - 1, input.size() + 1};
      return Event::none;
    case InflateResult::corrupt:  // RFC 7692 §7.2.2 names no code; 1007 is what it is for
      return fail(close_code::invalid_payload, "a compressed message cannot be decompressed");
    case InflateResult::too_big:
      return fail_too_big();
  }
  fragmented_ = false;
  if (message_.is_text() && !is_utf8(inflated)) return fail_utf8();
  collected() = std::move(inflated);
  if (message_.is_text()) detail::MessageAccess::set_validated(message_);
  return Event::message;
}

Event Rfc6455::receive_control(std::string_view piece) {
  if (remaining_ == 0 && control_.empty()) {
    control_ = piece;
    return end_control();
  }
  auto& collected = seldom().control;
  if (!collected || control_.empty()) collected = std::make_unique<std::string>();
  control_ = collected->append(piece);
  return remaining_ == 0 ? end_control() : Event::none;
}

Event Rfc6455::end_control() {
  switch (opcode_) {
    case Opcode::ping:
      return Event::ping;
    case Opcode::pong:
      return Event::pong;
    default:
      return end_close();
  }
}

// RFC 6455 §5.5.1, §7.4.
Event Rfc6455::end_close() {
  const std::string_view body = control_;
  if (body.size() == 1) return fail_protocol("a close frame's body has one byte");
  Close close;
  if (!body.empty()) {
    const auto byte = [body](std::size_t i) { return static_cast<unsigned char>(body[i]); };
    const auto code = static_cast<CloseCode>(byte(0) << 8 | byte(1));
    if (!close_code::may_be_sent(code)) return fail_protocol("a close code that must not be sent");
    const std::string_view reason = body.substr(2);
    if (!is_utf8(reason))
      return fail(close_code::invalid_payload, "a close reason is not valid UTF-8");
    close = Close(code, std::string(reason));
  }
  end_of_input();
  return closed_by_peer(std::move(close));
}

void Rfc6455::end_of_input() noexcept {
  over_ = true;
  in_frame_ = fragmented_ = false;
  message_ = Message();
}

Event Rfc6455::fail(CloseCode code, std::string_view text) {
  end_of_input();
  return failed(code, text);
}

}  // namespace cppwebsocket::protocol
