// Base64 (RFC 4648 §4): bytes in a text. For what has to carry binary messages in a text format.
#pragma once

#include <string>
#include <string_view>

namespace cppwebsocket::protocol {

// Appends the padded form of `bytes`, without line breaks.
void append_base64(std::string& text, std::string_view bytes);

}  // namespace cppwebsocket::protocol
