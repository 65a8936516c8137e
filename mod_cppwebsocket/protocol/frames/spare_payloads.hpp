// Payloads that were sent, kept for the next messages. Large ones, because fresh memory
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
  static constexpr std::size_t most_bytes = 64 << 20;     // in all
  static constexpr std::size_t most = 256;                // strings
  static constexpr std::size_t most_small = 4 << 10;      // bytes; what is larger is large

  SparePayloads() { spare_.reserve(most); }

  // An empty string with room for `size` bytes, or without any: of those that have, the smallest, and
  // of these the one that was used last.
  std::string take(std::size_t size) noexcept {
    wanted_ = std::max(wanted_, size);
    auto found = spare_.end();
    for (auto each = spare_.begin(); each != spare_.end(); ++each)
      if (each->room() >= size && (found == spare_.end() || each->room() <= found->room()))
        found = each;
    if (found == spare_.end()) return {};
    std::string taken = std::move(found->payload);
    spare_.erase(found);
    bytes_ -= taken.capacity();
    taken.clear();
    return taken;
  }

  // To be moved from: with or without room, and what is in it means nothing.
  std::string&& take_small() noexcept { return std::move(small_); }

  // Much larger ones than were asked for of late were made elsewhere, as by inflating, and would only
  // gather.
  void give(std::string&& payload) noexcept {
    if (payload.capacity() <= most_small) {
      if (small_.capacity() < payload.capacity()) small_ = std::move(payload);
      return;
    }
    if (payload.capacity() / 2 > std::max(wanted_, wanted_before_)) return;
    if (bytes_ + payload.capacity() > most_bytes) free_smaller(payload.capacity());
    if (bytes_ + payload.capacity() > most_bytes || spare_.size() == most) return;
    bytes_ += payload.capacity();
    spare_.push_back({std::move(payload)});
  }

  bool empty() const noexcept { return spare_.empty(); }

  // To be called now and then: frees those that have not been used since the last time, so that as
  // many stay as messages are under way at once, and nothing of a peak.
  void free_unused() noexcept {
    free_if([](Spare& each) { return std::exchange(each.is_unused, true); });
    wanted_before_ = std::exchange(wanted_, 0);
  }

 private:
  struct Spare {
    std::string payload;
    bool is_unused = false;  // since the last free_unused()
    std::size_t room() const noexcept { return payload.capacity(); }
  };

  // As many as make room for one of `size` bytes.
  void free_smaller(std::size_t size) noexcept {
    free_if([this, size](Spare& each) {
      return each.room() < size && bytes_ + size > most_bytes;
    });
  }

  template <typename Condition>
  void free_if(Condition condition) noexcept {
    std::erase_if(spare_, [&](Spare& each) {
      if (!condition(each)) return false;
      bytes_ -= each.room();
      return true;
    });
  }

  std::vector<Spare> spare_;
  std::string small_;
  std::size_t bytes_ = 0;
  std::size_t wanted_ = 0;         // the largest size since the last free_unused()
  std::size_t wanted_before_ = 0;  // and before that
};

}  // namespace cppwebsocket::protocol
