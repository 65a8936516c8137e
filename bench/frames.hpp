// The load generator's frames, built once and sent many times.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace bench {

constexpr std::array<char, 4> masking_key = {'\x5a', '\x13', '\xc7', '\x88'};

enum Opcode : unsigned char {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};

// A whole frame (RFC 6455 §5.2); masked as a client must, or as the server will answer it.
inline std::string make_frame(Opcode opcode, std::string_view payload, bool masked) {
  const std::size_t size = payload.size();
  const unsigned extra = size < 126 ? 0 : size < 65536 ? 2 : 8;
  std::string frame;
  frame.reserve(14 + size);
  frame += static_cast<char>(0x80 | opcode);
  frame += static_cast<char>((masked ? 0x80 : 0) | (extra == 0 ? size : extra == 2 ? 126 : 127));
  for (unsigned i = extra; i-- > 0;) frame += static_cast<char>(size >> (8 * i));
  if (masked) frame.append(masking_key.data(), masking_key.size());
  const std::size_t start = frame.size();
  frame += payload;
  if (masked) {
    for (std::size_t i = 0; i < size; ++i) frame[start + i] ^= masking_key[i & 3];
  }
  return frame;
}

// The messages of a run. There are `count()` different ones, all of one size, and each connection
// sends them in turn: an echo that was mixed up, doubled or left out is seen. Few, so that they
// stay in the cache and the client costs little.
class Messages {
 public:
  Messages(std::size_t size, bool is_text)
      : size_(size),
        is_text_(is_text),
        count_(std::clamp<std::size_t>((64 << 10) / (size + 14), 2, 64)) {
    std::mt19937 random(20111211);  // the month of RFC 6455; any seed will do
    payloads_.resize(size_ * count_);
    for (char& c : payloads_) {
      c = is_text ? static_cast<char>(' ' + random() % 95) : static_cast<char>(random());
    }
  }

  std::size_t count() const noexcept { return count_; }
  std::size_t size() const noexcept { return size_; }
  Opcode opcode() const noexcept { return is_text_ ? text : binary; }
  std::string_view payload(std::size_t index) const noexcept {
    return std::string_view(payloads_).substr(index % count_ * size_, size_);
  }

 private:
  std::size_t size_;
  bool is_text_;
  std::size_t count_;
  std::string payloads_;
};

// All messages as frames, one behind the other; the first `repeated` ones again at the end, so
// that a burst that wraps around is still one piece of memory.
class FrameRing {
 public:
  FrameRing(const Messages& messages, bool masked, std::size_t repeated) {
    for (std::size_t i = 0; i < messages.count() + repeated; ++i) {
      bytes_ += make_frame(messages.opcode(), messages.payload(i), masked);
    }
    frame_size_ = bytes_.size() / (messages.count() + repeated);
    period_ = frame_size_ * messages.count();
  }

  std::size_t frame_size() const noexcept { return frame_size_; }
  std::size_t period() const noexcept { return period_; }  // bytes after which all repeats
  std::string_view from(std::size_t offset) const noexcept {
    return std::string_view(bytes_).substr(offset);
  }

 private:
  std::string bytes_;
  std::size_t frame_size_ = 0;
  std::size_t period_ = 0;
};

}  // namespace bench
