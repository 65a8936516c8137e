// Frames that are built once and sent many times.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

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
// `is_compressed`: with RSV1 set (RFC 7692 §6).
inline std::string make_frame(Opcode opcode, std::string_view payload, bool masked,
                              bool is_compressed = false) {
  const std::size_t size = payload.size();
  const unsigned extra = size < 126 ? 0 : size < 65536 ? 2 : 8;
  std::string frame;
  frame.reserve(14 + size);
  frame += static_cast<char>(0x80 | (is_compressed ? 0x40 : 0) | opcode);
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

enum class Content : unsigned char { binary, text, json };

// Objects of a list, as an API would answer; cut to `size` bytes.
inline std::string make_json(std::size_t size, std::mt19937& random) {
  constexpr std::array<const char*, 4> states = {"open", "paid", "shipped", "returned"};
  std::string json = "[";
  while (json.size() < size) {
    json += "{\"id\": " + std::to_string(random() % 1'000'000) + ", \"state\": \"" +
            states[random() % states.size()] +
            "\", \"amount\": " + std::to_string(random() % 1000) + "." +
            std::to_string(10 + random() % 90) + ", \"customer\": \"c-" +
            std::to_string(random() % 10'000) + "\"}, ";
  }
  json.resize(size);
  return json;
}

// The messages of a run. There are `count()` different ones, all of one size, and each connection
// sends them in turn: an echo that was mixed up, doubled or left out is seen. Few, so that they
// stay in the cache and the client costs little.
class Messages {
 public:
  Messages(std::size_t size, Content content)
      : size_(size),
        opcode_(content == Content::binary ? binary : text),
        count_(std::clamp<std::size_t>((64 << 10) / (size + 14), 2, 64)) {
    std::mt19937 random(20111211);  // the month of RFC 6455; any seed will do
    payloads_.reserve(size_ * count_);
    for (std::size_t i = 0; i < count_; ++i) payloads_ += make_payload(content, random);
  }

  std::size_t count() const noexcept { return count_; }
  std::size_t size() const noexcept { return size_; }
  Opcode opcode() const noexcept { return opcode_; }
  std::string_view payload(std::size_t index) const noexcept {
    return std::string_view(payloads_).substr(index % count_ * size_, size_);
  }

 private:
  std::string make_payload(Content content, std::mt19937& random) const {
    if (content == Content::json) return make_json(size_, random);
    std::string payload(size_, '\0');
    for (char& c : payload) {
      c = static_cast<char>(content == Content::text ? ' ' + random() % 95 : random());
    }
    return payload;
  }

  std::size_t size_;
  Opcode opcode_;
  std::size_t count_;
  std::string payloads_;
};

// Frames one behind the other, to go round in for ever; the first of them may be for the first
// round only.
class FrameRing {
 public:
  // `repeated`: so many frames stand again behind the last one, so that a burst that wraps around
  // is still one piece of memory.
  explicit FrameRing(const std::vector<std::string>& frames, std::size_t only_once = 0,
                     std::size_t repeated = 0)
      : only_once_(only_once), count_(frames.size() - only_once) {
    starts_.push_back(0);
    for (const auto& frame : frames) {
      bytes_ += frame;
      starts_.push_back(bytes_.size());
    }
    for (std::size_t i = 0; i < repeated; ++i) bytes_ += frames[only_once + i % count_];
  }

  // Of rings whose frames have all one size, without `only_once`.
  std::size_t frame_size() const noexcept { return starts_[1]; }

  std::size_t period() const noexcept { return starts_.back() - starts_[only_once_]; }  // bytes
  std::size_t start_of(std::size_t index) const noexcept { return starts_[index]; }
  std::string_view from(std::size_t offset) const noexcept {
    return std::string_view(bytes_).substr(offset);
  }
  std::size_t advance(std::size_t offset, std::size_t bytes) const noexcept {
    offset += bytes;
    while (offset >= starts_.back()) offset -= period();
    return offset;
  }
  // The bytes of `count` frames from number `first` on, counted over all rounds.
  std::size_t bytes_of(std::size_t first, std::size_t count) const noexcept {
    return bytes_before(first + count) - bytes_before(first);
  }

 private:
  std::size_t bytes_before(std::size_t number) const noexcept {
    if (number < only_once_) return starts_[number];
    number -= only_once_;
    return number / count_ * period() + starts_[only_once_ + number % count_];
  }

  std::string bytes_;
  std::vector<std::size_t> starts_;  // of each frame; then the end of the last
  std::size_t only_once_;
  std::size_t count_;
};

// All of `messages` as plain frames.
inline FrameRing plain_ring(const Messages& messages, bool masked, std::size_t repeated) {
  std::vector<std::string> frames;
  for (std::size_t i = 0; i < messages.count(); ++i) {
    frames.push_back(make_frame(messages.opcode(), messages.payload(i), masked));
  }
  return FrameRing(frames, 0, repeated);
}

}  // namespace bench
