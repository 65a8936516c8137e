// UTF-8 validation 32 bytes at a time. Only for utf8.cpp, and only where has_avx2().
#pragma once

#include <string_view>

namespace cppwebsocket::protocol {

// True if `text` is valid as a whole. Without x86: never called.
bool is_utf8_avx2(std::string_view text) noexcept;

}  // namespace cppwebsocket::protocol
