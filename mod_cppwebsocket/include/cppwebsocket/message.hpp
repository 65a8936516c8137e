// A WebSocket message: what one send gives and one receive gets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace cppwebsocket {
namespace detail {
struct MessageAccess;
}

// Text (always UTF-8) or binary, owning its bytes. A plain value: copy it, move it, keep it.
// The constructors do not validate; sending does.
class Message {
 public:
  enum class Type : std::uint8_t { text, binary };

  Message() = default;  // the empty text
  Message(std::string text) noexcept : payload_(std::move(text)) {}
  Message(std::string_view text) : payload_(text) {}
  Message(const char* text) : payload_(text) {}
  Message(std::u8string_view text)
      : payload_(reinterpret_cast<const char*>(text.data()), text.size()) {}
  Message(Type type, std::string payload) noexcept : payload_(std::move(payload)), type_(type) {}

  static Message binary(std::string bytes) noexcept { return {Type::binary, std::move(bytes)}; }
  static Message binary(std::span<const std::byte> bytes) {
    return {Type::binary, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())};
  }

  Type type() const noexcept { return type_; }
  bool is_text() const noexcept { return type_ == Type::text; }
  bool is_binary() const noexcept { return type_ == Type::binary; }

  // The bytes. Of a received text they are valid UTF-8.
  const std::string& payload() const& noexcept { return payload_; }
  std::string&& payload() && noexcept {
    is_validated_ = false;
    return std::move(payload_);
  }
  std::string_view text() const noexcept { return payload_; }
  std::span<const std::byte> bytes() const noexcept {
    return std::as_bytes(std::span(payload_.data(), payload_.size()));
  }
  std::size_t size() const noexcept { return payload_.size(); }
  bool empty() const noexcept { return payload_.empty(); }

  friend bool operator==(const Message& a, const Message& b) noexcept {
    return a.type_ == b.type_ && a.payload_ == b.payload_;
  }

 private:
  friend detail::MessageAccess;
  std::string payload_;
  Type type_ = Type::text;
  bool is_validated_ : 1 = false;  // a text that was found to be UTF-8; nothing can change its bytes
  bool continues_ : 1 = false;     // a fragment, behind which another one comes
};

// What one msgutil::receive_fragment gives: some bytes of a message, in their order, and of its type. Of a
// text they are UTF-8 together; a character may be split between two. So a message goes on as it comes with
// `send_message(request, std::move(fragment->part), fragment->end)`.
struct Fragment {
  Message part;
  bool end = true;  // the message is complete with it; `part` may be empty then
};

namespace detail {
// For the server. A text that is sent as it was received is not validated twice.
struct MessageAccess {
  static void set_type(Message& message, Message::Type type) noexcept { message.type_ = type; }
  static void set_validated(Message& message) noexcept { message.is_validated_ = true; }
  static bool is_validated(const Message& message) noexcept { return message.is_validated_; }
  static void set_continues(Message& message, bool continues) noexcept {
    message.continues_ = continues;
  }
  static bool continues(const Message& message) noexcept { return message.continues_; }
  static std::optional<Fragment> fragment(std::optional<Message>&& part) {
    if (!part) return std::nullopt;
    const bool end = !part->continues_;
    return Fragment{std::move(*part), end};
  }
};
}  // namespace detail

}  // namespace cppwebsocket
