// Payloads that were sent, kept for the next messages. Large ones, because fresh memory of that size
// comes from the kernel page by page, which costs more than all the rest of an echo; and one small
// one, because in an echo it saves each message a malloc and a free.
// Thread: one; a reactor has one of these for all its connections.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace cppwebsocket::protocol {

class SparePayloads {
 public:
  static constexpr std::size_t worth_keeping = 64 << 10;  // bytes
  static constexpr std::size_t most_bytes = 4 << 20;      // in all
  static constexpr std::size_t most = 32;                 // strings
  static constexpr std::size_t most_small = 4 << 10;      // bytes

  SparePayloads() { spare_.reserve(most); }

  // An empty string with room for `size` bytes, or without any.
  std::string take(std::size_t size) noexcept {
    const auto found =
        std::find_if(spare_.rbegin(), spare_.rend(),
                     [size](const std::string& each) { return each.capacity() >= size; });
    if (found == spare_.rend()) return {};
    std::string taken = std::move(*found);
    *found = std::move(spare_.back());
    spare_.pop_back();
    bytes_ -= taken.capacity();
    taken.clear();
    return taken;
  }

  // To be moved from: with or without room, and what is in it means nothing.
  std::string&& take_small() noexcept { return std::move(small_); }

  void give(std::string&& payload) noexcept {
    if (payload.capacity() <= most_small) {
      if (small_.capacity() < payload.capacity()) small_ = std::move(payload);
      return;
    }
    if (payload.capacity() < worth_keeping || bytes_ + payload.capacity() > most_bytes ||
        spare_.size() == most)
      return;
    bytes_ += payload.capacity();
    spare_.push_back(std::move(payload));
  }

  bool empty() const noexcept { return spare_.empty(); }

  void clear() noexcept {
    spare_.clear();
    bytes_ = 0;
  }

 private:
  std::vector<std::string> spare_;
  std::string small_;
  std::size_t bytes_ = 0;
};

}  // namespace cppwebsocket::protocol
