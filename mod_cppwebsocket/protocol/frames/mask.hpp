// Masking (RFC 6455 §5.3) at memory speed: SSE2, and AVX2 where the CPU has it, chosen at run time.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>

namespace cppwebsocket::protocol {

using MaskingKey = std::array<unsigned char, 4>;

// XORs `bytes` in place with `key`, of which bytes[0] meets octet `offset` mod 4.
void apply_mask(std::span<char> bytes, MaskingKey key, std::size_t offset = 0) noexcept;

// Appends `bytes` to `out`, masked as above, and returns whether all that was appended is ASCII;
// leaves `bytes` itself masked, or not, as it likes.
// For large pieces one pass over memory, and no memcpy: glibc's is many times slower than memory
// on some CPUs if source and target lie unluckily, which a payload behind its header does.
bool append_masked(std::string& out, std::span<char> bytes, MaskingKey key, std::size_t offset = 0);

namespace plain {
void apply_mask(std::span<char> bytes, MaskingKey key, std::size_t offset = 0) noexcept;
}

}  // namespace cppwebsocket::protocol
