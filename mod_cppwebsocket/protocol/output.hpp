// Bytes on their way out. Small pieces are gathered into one string, so that one turn leaves in
// one system call; large payloads are moved in whole and never copied.
// Thread: owner.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cppwebsocket::protocol {

class Output {
 public:
  static constexpr std::size_t move_threshold = 16 << 10;  // bytes; from here on payloads are moved

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }  // bytes not yet consumed

  void append(std::string_view bytes);
  void append(std::string&& bytes);  // moves from `bytes` if it is large

  // The unsent bytes, in order, as at most `max` pieces; returns how many were written to `pieces`.
  std::size_t pieces(std::string_view* pieces, std::size_t max) const noexcept;

  // Drops the first `count` bytes, which were sent. When all are, one string's capacity is kept.
  void consume(std::size_t count) noexcept;

  void clear() noexcept;

 private:
  std::vector<std::string> segments_;
  std::size_t first_ = 0;   // index of the first segment with unsent bytes
  std::size_t offset_ = 0;  // bytes of it already sent
  std::size_t size_ = 0;
  bool open_ = false;       // the last segment may take small appends
};

}  // namespace cppwebsocket::protocol
