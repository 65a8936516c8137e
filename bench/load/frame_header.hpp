// Reads a server's frame header (RFC 6455 §5.2) from pieces.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace bench {

class FrameHeader {
 public:
  // Consumes from the front of `bytes`. True once the header is complete.
  bool read(std::string_view& bytes) noexcept {
    while (true) {
      std::size_t wanted = 2;
      if (size_ >= 2) {
        const unsigned length = bytes_[1] & 0x7F;
        wanted = length == 126 ? 4 : length == 127 ? 10 : 2;
      }
      if (size_ >= wanted) return true;
      if (bytes.empty()) return false;
      bytes_[size_++] = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
    }
  }

  void clear() noexcept { size_ = 0; }

  // Of a complete header:
  unsigned opcode() const noexcept { return bytes_[0] & 0x0F; }
  bool is_control() const noexcept { return bytes_[0] & 0x08; }
  bool is_last() const noexcept { return bytes_[0] & 0x80; }
  bool is_compressed() const noexcept { return bytes_[0] & 0x40; }
  bool is_masked() const noexcept { return bytes_[1] & 0x80; }
  bool has_unknown_bits() const noexcept { return bytes_[0] & 0x30; }
  std::uint64_t payload() const noexcept {
    std::uint64_t length = bytes_[1] & 0x7F;
    if (size_ > 2) {
      length = 0;
      for (std::size_t i = 2; i < size_; ++i) length = length << 8 | bytes_[i];
    }
    return length;
  }

 private:
  std::array<unsigned char, 10> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace bench
