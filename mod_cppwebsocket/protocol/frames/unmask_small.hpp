// Unmasking the payload of a small frame (RFC 6455 §5.3), where a call of apply_mask() would cost more
// than the work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace cppwebsocket::protocol {

// Unmasks a payload of at most 125 bytes with the four bytes at `key_bytes`; true if it is ASCII.
inline bool unmask_small(char* bytes, std::size_t size, const char* key_bytes) noexcept {
  std::uint32_t key;
  std::memcpy(&key, key_bytes, sizeof key);
  const std::uint64_t keys = std::uint64_t{key} << 32 | key;
  std::uint64_t seen = 0;
  std::size_t i = 0;
  for (; size - i >= sizeof keys; i += sizeof keys) {
    std::uint64_t word;
    std::memcpy(&word, bytes + i, sizeof word);
    word ^= keys;
    seen |= word;
    std::memcpy(bytes + i, &word, sizeof word);
  }
  if (size - i >= sizeof key) {
    std::uint32_t word;
    std::memcpy(&word, bytes + i, sizeof word);
    word ^= key;
    seen |= word;
    std::memcpy(bytes + i, &word, sizeof word);
    i += sizeof word;
  }
  for (; i < size; ++i) {
    bytes[i] = static_cast<char>(bytes[i] ^ key_bytes[i % 4]);
    seen |= static_cast<unsigned char>(bytes[i]);
  }
  return (seen & 0x8080808080808080) == 0;
}

}  // namespace cppwebsocket::protocol
