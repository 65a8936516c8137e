// The framing of the two drafts (draft-76 §4.2 and §5.3, draft-75 §4.3):
//
//   00 UTF-8 … FF            a text
//   01–7F … FF               another kind of text: read and discarded
//   80–FF length bytes …     length in groups of seven bits, the first the highest, each but the
//                            last with its high bit set: read and discarded
//   FF 00                    draft-76: the closing handshake
#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "protocol/frames/protocol.hpp"
#include "protocol/frames/utf8.hpp"

namespace cppwebsocket::protocol {

namespace {

constexpr unsigned char text_type = 0x00;
constexpr unsigned char close_type = 0xff;
constexpr unsigned char end_of_text = 0xff;
constexpr unsigned char high_bit = 0x80;
constexpr std::size_t max_length_bytes = 10;  // 70 bits; only leading zeros make it longer

constexpr std::string_view frame_start("\x00", 1);
constexpr std::string_view frame_end("\xff", 1);
constexpr std::string_view closing_frame("\xff\x00", 2);

enum class Expect : std::uint8_t {
  type,
  text,            // … FF
  discarded_text,  // … FF of a type that the draft does not define
  length,
  discarded_bytes,
  nothing,  // the end came: the rest of the input means nothing
};

class DraftProtocol final : public Protocol {
 public:
  DraftProtocol(std::size_t max_message_size, bool closing_handshake) noexcept
      : max_message_size_(max_message_size), closing_handshake_(closing_handshake) {}

  Event receive(std::span<char>& input) override {
    Event event = Event::none;
    while (event == Event::none && !input.empty()) event = receive_part(input);
    return event;
  }

  void receive_in_fragments(std::size_t max_message_size) override {
    begin_fragments();
    max_message_size_ = max_message_size;
  }

  bool in_message() const noexcept override {
    return expect_ != Expect::type && expect_ != Expect::nothing;
  }

  void send_message(Message&& message, bool end, Output& out) override {
    assert(message.is_text());
    // The drafts have no fragments: the frame just stays open until the last one.
    if (!sending_) out.append(frame_start);
    out.append(std::move(message).payload());
    if (end) out.append(frame_end);
    sending_ = !end;
  }

  std::uint8_t wire_format() const noexcept override { return wire_format::hixie; }
  bool encode_shared(const Message& message, const Position&, std::string& out) const override {
    if (message.is_binary()) return false;
    out.append(frame_start).append(message.payload()).append(frame_end);
    return true;
  }

  void send_ping(std::string_view, Output&) override {}
  void send_pong(std::string_view, Output&) override {}

  void send_close(const Close&, Output& out) override {
    if (has_closing_handshake()) out.append(closing_frame);
  }

  bool has_ping() const noexcept override { return false; }
  bool has_binary() const noexcept override { return false; }

  // Not behind an unfinished message: its FF would make the peer take it for a whole one.
  bool has_closing_handshake() const noexcept override { return closing_handshake_ && !sending_; }

 private:
  Event receive_part(std::span<char>& input) {
    switch (expect_) {
      case Expect::type:
        begin_frame(take_byte(input));
        return Event::none;
      case Expect::text:
      case Expect::discarded_text:
        return receive_text(input);
      case Expect::length:
        return receive_length(take_byte(input));
      case Expect::discarded_bytes:
        discard_bytes(input);
        return Event::none;
      case Expect::nothing:
        break;
    }
    input = input.last(0);
    return Event::none;
  }

  static unsigned char take_byte(std::span<char>& input) noexcept {
    const auto byte = static_cast<unsigned char>(input.front());
    input = input.subspan(1);
    return byte;
  }

  void begin_frame(unsigned char type) noexcept {
    type_ = type;
    size_ = 0;
    length_bytes_ = 0;
    if (type & high_bit)
      expect_ = Expect::length;
    else
      expect_ = type == text_type ? Expect::text : Expect::discarded_text;
  }

  Event receive_text(std::span<char>& input) {
    const void* const end = std::memchr(input.data(), end_of_text, input.size());
    const std::size_t count =
        end ? static_cast<std::size_t>(static_cast<const char*>(end) - input.data()) : input.size();
    if (count > max_message_size_ - size_) return fail_too_big();
    size_ += count;
    if (expect_ == Expect::text) text_.append(input.data(), count);
    input = input.subspan(end ? count + 1 : count);
    if (end) return end_text();
    return in_fragments() && expect_ == Expect::text ? give_fragment(false) : Event::none;
  }

  Event end_text() {
    if (std::exchange(expect_, Expect::type) == Expect::discarded_text) return Event::none;
    if (in_fragments()) return give_fragment(true);
    std::string text = std::exchange(text_, {});
    make_valid(text);
    if (text.size() > max_message_size_) return fail_too_big();
    message_ = Message(std::move(text));
    return Event::message;
  }

  // draft-76 §1.2: U+FFFD takes the place of what is not UTF-8, which makes it longer.
  static void make_valid(std::string& text) {
    if (!is_utf8(text)) text = replace_invalid_utf8(text);
  }

  // A character that has begun waits for its rest, so that its bytes are judged together.
  Event give_fragment(bool ends) {
    const std::size_t count = text_.size() - (ends ? 0 : unfinished_tail(text_));
    std::string text = text_.substr(0, count);
    text_.erase(0, count);
    std::size_t& given = seldom_->given;
    make_valid(text);
    if (text.size() > max_message_size_ - given) return fail_too_big();
    given += text.size();
    if (ends) given = 0;
    if (!ends && text.empty()) return Event::none;
    message_ = Message(std::move(text));
    detail::MessageAccess::set_continues(message_, !ends);
    return Event::fragment;
  }

  // draft-76 §5.3, steps "length". A discarded frame is bounded as messages are.
  Event receive_length(unsigned char byte) {
    const std::size_t group = byte & (high_bit - 1U);
    if (++length_bytes_ > max_length_bytes)
      return fail(close_code::protocol_error, "a frame's length has more than ten bytes");
    if (group > max_message_size_ || size_ > (max_message_size_ - group) / 128)
      return fail_too_big();
    size_ = size_ * 128 + group;
    if (byte & high_bit) return Event::none;
    if (closing_handshake_ && type_ == close_type && size_ == 0) {
      expect_ = Expect::nothing;
      return closed_by_peer(Close());
    }
    expect_ = size_ == 0 ? Expect::type : Expect::discarded_bytes;
    return Event::none;
  }

  void discard_bytes(std::span<char>& input) noexcept {
    const std::size_t count = std::min(size_, input.size());
    size_ -= count;
    input = input.subspan(count);
    if (size_ == 0) expect_ = Expect::type;
  }

  Event fail_too_big() {
    return fail(close_code::message_too_big, "the frame is larger than this server accepts");
  }

  Event fail(CloseCode code, std::string_view text) {
    expect_ = Expect::nothing;
    text_ = std::string();
    return failed(code, text);
  }

  std::size_t max_message_size_;
  std::size_t size_ = 0;  // of the frame: bytes of text so far, or length, or bytes to discard
  std::string text_;
  Expect expect_ = Expect::type;
  unsigned char type_ = 0;
  std::uint8_t length_bytes_ = 0;
  bool sending_ = false;  // our frame is open: fragments follow
  const bool closing_handshake_;
};

}  // namespace

std::unique_ptr<Protocol> make_draft76(std::size_t max_message_size) {
  return std::make_unique<DraftProtocol>(max_message_size, true);
}

std::unique_ptr<Protocol> make_draft75(std::size_t max_message_size) {
  return std::make_unique<DraftProtocol>(max_message_size, false);
}

}  // namespace cppwebsocket::protocol
