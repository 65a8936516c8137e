// What may be sent: text that is UTF-8, fragments of one type, closes with codes that exist.
// Thread: one at a time.
#pragma once

#include <cppwebsocket/close.hpp>
#include <cppwebsocket/exceptions.hpp>
#include <cppwebsocket/message.hpp>

#include "protocol/frames/utf8.hpp"

namespace cppwebsocket::runtime {

class MessageRules {
 public:
  // Raises InvalidUTF8Exception or BadOperationException, changing nothing, if `message` may not
  // be sent next.
  void check(const Message& message, bool end) {
    if (in_fragments_ && message.type() != type_)
      throw BadOperationException("the fragments of a message are all text or all binary");
    if (message.is_text() && !(is_whole(end) && detail::MessageAccess::is_validated(message)))
      check_text(message.text(), end);
    in_fragments_ = !end;
    type_ = message.type();
  }

  static void check_close(const Close& close) {
    if (close.code() && !close_code::may_be_sent(*close.code()))
      throw BadOperationException("close code " + std::to_string(*close.code()) +
                                  " may not be sent");
    if (close.reason().size() > max_close_reason)
      throw BadOperationException("a close reason has at most 123 bytes");
    if (!protocol::is_utf8(close.reason()))
      throw BadOperationException("a close reason must be UTF-8");
  }

 private:
  bool is_whole(bool end) const noexcept { return end && !in_fragments_; }

  void check_text(std::string_view text, bool end) {
    if (is_whole(end)) {
      if (!protocol::is_utf8(text)) throw InvalidUTF8Exception("the text to send is not UTF-8");
      return;
    }
    protocol::Utf8Validator after = in_fragments_ ? utf8_ : protocol::Utf8Validator();
    if (!after.feed(text) || (end && !after.complete()))
      throw InvalidUTF8Exception("the text to send is not UTF-8");
    utf8_ = after;
  }

  protocol::Utf8Validator utf8_;
  Message::Type type_ = Message::Type::text;
  bool in_fragments_ = false;
};

}  // namespace cppwebsocket::runtime
