// A client's frames (RFC 6455 §5.2), read and unmasked in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bench {

constexpr std::size_t max_header = 14;  // bytes

// A client's frame header, if `bytes` has it all.
struct FrameHeader {
  std::size_t size = 0;  // of the header; 0: incomplete
  std::uint64_t payload = 0;
  std::uint32_t mask = 0;
};

inline FrameHeader read_header(const unsigned char* bytes, std::size_t count) noexcept {
  FrameHeader header;
  if (count < 6) return header;
  const unsigned length = bytes[1] & 0x7F;
  const std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (count < 6 + extra) return header;
  header.size = 6 + extra;
  header.payload = extra == 0 ? length : 0;
  for (std::size_t i = 0; i < extra; ++i) header.payload = header.payload << 8 | bytes[2 + i];
  std::memcpy(&header.mask, bytes + 2 + extra, 4);
  return header;
}

// Unmasks `count` bytes to `to`, which is `from` or lies before it. Returns the mask, turned so
// that it begins with the byte after them.
inline std::uint32_t unmask(char* to, const char* from, std::size_t count,
                            std::uint32_t mask) noexcept {
  using Block [[gnu::vector_size(32)]] = std::uint32_t;
  const Block key = {mask, mask, mask, mask, mask, mask, mask, mask};
  std::size_t i = 0;
  for (; i + sizeof(Block) <= count; i += sizeof(Block)) {
    Block block;
    std::memcpy(&block, from + i, sizeof block);
    block ^= key;
    std::memcpy(to + i, &block, sizeof block);
  }
  for (; i + 4 <= count; i += 4) {
    std::uint32_t word;
    std::memcpy(&word, from + i, 4);
    word ^= mask;
    std::memcpy(to + i, &word, 4);
  }
  for (; i < count; ++i) {
    to[i] = static_cast<char>(from[i] ^ static_cast<char>(mask));
    mask = mask >> 8 | mask << 24;
  }
  return mask;
}

}  // namespace bench
