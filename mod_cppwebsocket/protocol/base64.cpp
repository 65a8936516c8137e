#include "protocol/base64.hpp"

#include <cstddef>
#include <cstdint>

namespace cppwebsocket::protocol {

void append_base64(std::string& text, std::string_view bytes) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  text.reserve(text.size() + (bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view three = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (i < three.size() ? static_cast<unsigned char>(three[i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      text.push_back(i <= three.size() ? digits[bits >> (18 - 6 * i) & 63] : '=');
  }
}

}  // namespace cppwebsocket::protocol
