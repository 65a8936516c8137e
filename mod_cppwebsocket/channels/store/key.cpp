#include "channels/store/key.hpp"

#include <bit>
#include <cstring>

namespace cppwebsocket::channels {

namespace {

struct Sip {
  std::uint64_t v0, v1, v2, v3;

  void round() noexcept {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void take(std::uint64_t word) noexcept {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  std::uint64_t give() noexcept {
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace

ChannelKey channel_key(const std::uint64_t (&secret)[2], std::string_view name) noexcept {
  Sip sip{secret[0] ^ 0x736f6d6570736575, secret[1] ^ 0x646f72616e646f6d ^ 0xee,
          secret[0] ^ 0x6c7967656e657261, secret[1] ^ 0x7465646279746573};
  const char* at = name.data();
  std::size_t left = name.size();
  for (std::uint64_t word; left >= 8; at += 8, left -= 8) {
    std::memcpy(&word, at, 8);
    sip.take(word);
  }
  std::uint64_t last = std::uint64_t{name.size()} << 56;
  for (std::size_t i = 0; i < left; ++i)
    last |= std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
  sip.take(last);
  sip.v2 ^= 0xee;
  ChannelKey key;
  key.low = sip.give();
  sip.v1 ^= 0xdd;
  key.high = sip.give();
  if (key == ChannelKey()) key.low = 1;  // which means an empty slot
  return key;
}

}  // namespace cppwebsocket::channels
