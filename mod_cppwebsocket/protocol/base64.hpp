// Base64 (RFC 4648 §4): bytes in a text. For what has to carry binary messages in a text format.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cppwebsocket::protocol {

// Appends the padded form of `bytes`, without line breaks.
void append_base64(std::string& text, std::string_view bytes);

// The bytes of its padded form, without line breaks; none if `text` is not that. Raises std::bad_alloc.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace cppwebsocket::protocol
