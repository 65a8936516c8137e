// Bytes on their way out. Small pieces are gathered into one string, so that one turn leaves in
// one system call; large payloads are moved in whole and never copied.
// Cheap to move and swap: a reactor lends one to each connection for its turn. Moved from, it may
// only be assigned to or destroyed; swap to empty it.
// Thread: owner.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/frames/spare_payloads.hpp"

namespace cppwebsocket::protocol {

// Bytes that many connections send. Nobody changes them.
using SharedBytes = std::shared_ptr<const std::string>;

class Output {
 public:
  static constexpr std::size_t move_threshold = 16 << 10;  // bytes; from here on payloads are moved
  // Bytes that small pieces share a string. More would be copied again and again as it grows.
  static constexpr std::size_t gathered_size = 64 << 10;

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }  // bytes not yet consumed

  void append(std::string_view bytes);
  void append(std::string&& bytes);                             // moves from `bytes` if it is large
  void append(std::string_view header, std::string&& payload);  // both, as above, but quicker

  // The bytes of `shared` from `begin` on, up to `end`, without copying them.
  void append(const SharedBytes& shared, std::size_t begin, std::size_t end);

  // The unsent bytes, in order, as at most `max` pieces; returns how many were written to `pieces`.
  std::size_t pieces(std::string_view* pieces, std::size_t max) const noexcept;

  // Drops the first `count` bytes, which were sent. When all are, one gathering string's capacity
  // is kept, unless it is more than twice gathered_size. Payloads that were moved in go to `spare`.
  void consume(std::size_t count, SparePayloads* spare = nullptr) noexcept;

  void clear() noexcept;

  // Bytes of memory that it keeps from being used otherwise: of shared ones its part.
  std::size_t pinned() const noexcept;

 private:
  // A payload that was moved in, or small pieces gathered: those fill `bytes`, which is made larger
  // beforehand, from its front.
  struct Segment {
    std::string bytes;
    std::size_t used = 0;
    bool gathers = false;
    SharedBytes shared;  // if set, these are sent: `used` bytes from `begin` on
    std::size_t begin = 0;

    std::string_view view() const noexcept {
      return {shared ? shared->data() + begin : bytes.data(), used};
    }
    bool worth_keeping() const noexcept { return gathers && bytes.size() <= 2 * gathered_size; }
  };

  // Where `size` more bytes are to be written; they count from now on.
  char* extend(std::size_t size) {
    size_ += size;
    if (!segments_.empty()) {
      Segment& last = segments_.back();
      if (last.gathers && last.used + size <= std::min(last.bytes.size(), gathered_size)) {
        char* const at = last.bytes.data() + last.used;
        last.used += size;
        return at;
      }
    }
    return extend_slowly(size);
  }
  char* extend_slowly(std::size_t size);

  std::vector<Segment> segments_;  // none is unused, but for the first one of an empty Output
  std::size_t first_ = 0;          // index of the first segment with unsent bytes
  std::size_t offset_ = 0;         // bytes of it already sent
  std::size_t size_ = 0;
};

}  // namespace cppwebsocket::protocol
