#include "protocol/frames/event_stream.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "protocol/base64.hpp"

namespace cppwebsocket::protocol {

namespace {

void append_field(std::string& event, std::string_view name, std::string_view value) {
  event.append(name).append(": ").append(value).append("\n");
}

// A line break within a text would end its field, so each line is a field of its own. Even the
// empty text has one: an event without data is not dispatched.
void append_lines(std::string& event, std::string_view text) {
  for (;;) {
    const std::size_t end = text.find_first_of("\r\n");
    append_field(event, "data", text.substr(0, end));
    if (end == text.npos) return;
    text.remove_prefix(end + (text.substr(end, 2) == "\r\n" ? 2 : 1));
  }
}

void append_head(std::string& event, std::string_view id, std::string_view name) {
  if (!id.empty()) append_field(event, "id", id);
  if (!name.empty()) append_field(event, "event", name);
}

class EventStream final : public Protocol {
 public:
  EventStream(EventForm form, Framing framing) noexcept : form_(form), framing_(framing) {}

  Event receive(std::span<char>& input) override {
    input = input.last(0);
    return Event::none;
  }

  bool in_message() const noexcept override { return false; }

  void send_message(Message&& message, bool end, Output& out) override {
    if (form_ == EventForm::encoded) return append(std::move(message).payload(), out);
    if (end && !gathered_) return append(encode_event({}, message), out);
    if (!gathered_) gathered_ = std::make_unique<std::string>();
    const Message::Type type = message.type();
    gathered_->append(message.payload());
    if (!end) return;
    append(encode_event({}, Message(type, std::move(*gathered_))), out);
    gathered_.reset();
  }

  void send_ping(std::string_view, Output& out) override { append(":\n", out); }
  void send_pong(std::string_view, Output&) override {}
  void send_close(const Close&, Output&) override {}

  std::uint8_t wire_format() const noexcept override {
    return framing_ == Framing::chunked ? protocol::wire_format::event_stream_in_chunks
                                        : protocol::wire_format::event_stream;
  }
  bool encode_shared(const Message& message, const Position& position,
                     std::string& out) const override {
    out.append(framed(framing_, encode_event(id_of(position), message)));
    return true;
  }

  bool has_names() const noexcept override { return true; }
  void encode_named(std::string_view name, std::string_view text, const Position& position,
                    std::chrono::milliseconds retry, std::string& out) const override {
    std::string event = retry.count() != 0 ? encode_retry(retry) : std::string();
    event.append(encode_event(id_of(position), name, text));
    out.append(framed(framing_, std::move(event)));
  }

  bool has_pong() const noexcept override { return false; }
  bool has_closing_handshake() const noexcept override { return false; }

 private:
  static std::string id_of(const Position& position) {
    return position == Position() ? std::string() : position.to_string();
  }

  void append(std::string&& part, Output& out) const {
    if (!part.empty()) out.append(framed(framing_, std::move(part)));
  }

  const EventForm form_;
  const Framing framing_;
  std::unique_ptr<std::string> gathered_;  // fragments: they become one event
};

}  // namespace

std::string encode_event(std::string_view id, std::string_view event, std::string_view text) {
  std::string encoded;
  encoded.reserve(text.size() + id.size() + event.size() + 32);
  append_head(encoded, id, event);
  append_lines(encoded, text);
  return encoded.append("\n");
}

std::string encode_event(std::string_view id, const Message& message) {
  if (message.is_text()) return encode_event(id, {}, message.text());
  std::string encoded;
  append_head(encoded, id, binary_event);
  encoded.append("data: ");
  append_base64(encoded, message.payload());
  return encoded.append("\n\n");
}

std::string encode_retry(std::chrono::milliseconds time) {
  return "retry: " + std::to_string(time.count()) + "\n";
}

std::string framed(Framing framing, std::string&& part) {
  if (framing == Framing::bare) return std::move(part);
  char size[2 * sizeof(std::size_t) + 2];
  char* end = std::to_chars(size, size + sizeof size, part.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  part.insert(0, size, static_cast<std::size_t>(end - size));
  return std::move(part.append("\r\n"));
}

std::unique_ptr<Protocol> make_event_stream(EventForm form, Framing framing) {
  return std::make_unique<EventStream>(form, framing);
}

}  // namespace cppwebsocket::protocol
