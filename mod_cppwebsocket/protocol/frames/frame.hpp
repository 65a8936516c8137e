// A frame's header (RFC 6455 §5.2), read and written.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "protocol/frames/mask.hpp"

namespace cppwebsocket::protocol {

//   0               1               2 …
//  +-+-+-+-+-------+-+-------------+------------------------+-------------+---------
//  |F|R|R|R| opcode|M| length (7)  | if length is 126: 16   | if M:       | payload
//  |I|S|S|S|  (4)  |A|             | if length is 127: 64   | masking key |
//  |N|V|V|V|       |S|             | bits, big-endian       | (32)        |
//  | |1|2|3|       |K|             |                        |             |
//  +-+-+-+-+-------+-+-------------+------------------------+-------------+---------

enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xa,
};

constexpr bool is_control(Opcode opcode) noexcept {
  return (static_cast<std::uint8_t>(opcode) & 0x8) != 0;
}

inline constexpr std::size_t max_control_payload = 125;      // bytes, RFC 6455 §5.5
inline constexpr std::size_t max_client_header = 2 + 8 + 4;  // bytes, masked
inline constexpr std::size_t max_server_header = 2 + 8;      // bytes, not masked

namespace frame {

inline constexpr unsigned fin = 0x80;
inline constexpr unsigned rsv1 = 0x40;
inline constexpr unsigned rsv2_and_3 = 0x30;
inline constexpr unsigned opcode = 0x0f;
inline constexpr unsigned masked = 0x80;
inline constexpr unsigned length = 0x7f;
inline constexpr unsigned length_16 = 126;
inline constexpr unsigned length_64 = 127;

// The size of a masked frame's header by its second byte. Of one that is not masked, two bytes are
// all it takes to fail it (§5.1): the rest of a short one may never come.
constexpr std::size_t client_header_size(unsigned second) noexcept {
  if ((second & masked) == 0) return 2;
  const unsigned short_length = second & length;
  return 2 + (short_length == length_16 ? 2 : short_length == length_64 ? 8 : 0) + 4;
}

}  // namespace frame

// The header of a server's frame: unmasked (§5.1), in the minimal form. Builds on the stack.
class ServerHeader {
 public:
  ServerHeader(Opcode opcode, bool fin, bool rsv1, std::size_t payload) noexcept {
    bytes_[0] = static_cast<char>((fin ? frame::fin : 0) | (rsv1 ? frame::rsv1 : 0) |
                                  static_cast<unsigned>(opcode));
    if (payload < frame::length_16) {
      bytes_[1] = static_cast<char>(payload);
    } else if (payload <= 0xffff) {
      bytes_[1] = static_cast<char>(frame::length_16);
      put_big_endian(payload, 2);
    } else {
      bytes_[1] = static_cast<char>(frame::length_64);
      put_big_endian(payload, 8);
    }
  }

  operator std::string_view() const noexcept { return {bytes_.data(), size_}; }

 private:
  void put_big_endian(std::uint64_t value, std::size_t count) noexcept {
    for (std::size_t i = count; i-- > 0; value >>= 8)
      bytes_[size_ + i] = static_cast<char>(value & 0xff);
    size_ += count;
  }

  std::array<char, max_server_header> bytes_;
  std::size_t size_ = 2;
};

}  // namespace cppwebsocket::protocol
