// Masking (RFC 6455 §5.3) at memory speed: SSE2, and AVX2 where the CPU has it, chosen at run time.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace cppwebsocket::protocol {

using MaskingKey = std::array<unsigned char, 4>;

// XORs `bytes` in place with `key`, of which bytes[0] meets octet `offset` mod 4.
void apply_mask(std::span<char> bytes, MaskingKey key, std::size_t offset = 0) noexcept;

namespace plain {
void apply_mask(std::span<char> bytes, MaskingKey key, std::size_t offset = 0) noexcept;
}

}  // namespace cppwebsocket::protocol
