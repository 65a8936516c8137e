// Cuts an input into chunks as the input itself says: a byte of options for the target, a byte
// that says how many bytes of chunk sizes follow (0–7), these, and then the bytes to be cut. The
// sizes are used again from the first one on; without any, each byte is a chunk.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace cppwebsocket::fuzz {

class ChunkedInput {
 public:
  ChunkedInput(const std::uint8_t* bytes, std::size_t size) noexcept
      : all_(reinterpret_cast<const char*>(bytes), size) {
    options_ = take();
    const std::size_t count = take() % 8;
    sizes_ = all_.substr(0, count);
    all_.remove_prefix(sizes_.size());
  }

  unsigned options() const noexcept { return options_; }
  std::string_view whole() const noexcept { return all_; }

  std::vector<std::string_view> chunks() const {
    std::vector<std::string_view> chunks;
    std::string_view rest = all_;
    for (std::size_t i = 0; !rest.empty(); ++i) {
      const std::size_t size =
          sizes_.empty() ? 1 : 1 + static_cast<unsigned char>(sizes_[i % sizes_.size()]);
      chunks.push_back(rest.substr(0, size));
      rest.remove_prefix(chunks.back().size());
    }
    return chunks;
  }

 private:
  unsigned take() noexcept {
    if (all_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(all_.front());
    all_.remove_prefix(1);
    return byte;
  }

  std::string_view all_;
  std::string_view sizes_;
  unsigned options_ = 0;
};

}  // namespace cppwebsocket::fuzz
