// Reads a file as ELF without leaving its bounds: the head, what is to be mapped, and any record by
// its place in the file or its address once mapped. gABI, chapters 4 and 5.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include <link.h>

namespace cppwebsocket::runtime {

class ElfImage {
 public:
  using Segment = ElfW(Phdr);

  // Borrows `file`. Nothing else may be called if problem() is not empty.
  explicit ElfImage(std::span<const char> file) noexcept : file_(file) { problem_ = read_all(); }
  ElfImage(const ElfImage&) = delete;
  ElfImage& operator=(const ElfImage&) = delete;

  // What is wrong with the head or the program headers; empty if nothing is.
  std::string_view problem() const noexcept { return problem_; }

  const ElfW(Ehdr)& head() const noexcept { return head_; }
  const Segment* dynamic() const noexcept { return dynamic_; }  // PT_DYNAMIC; null: none

  bool has(std::uint64_t offset, std::uint64_t size) const noexcept {
    return offset <= file_.size() && size <= file_.size() - offset;
  }
  // Only of what it has.
  std::span<const char> bytes(std::uint64_t offset, std::uint64_t size) const noexcept {
    return file_.subspan(offset, size);
  }

  // A copy, because nothing in a file need be aligned. False if it is not all there.
  template <typename T>
  bool read(std::uint64_t offset, T& into) const noexcept {
    static_assert(std::is_trivially_copyable_v<T>);
    if (!has(offset, sizeof into)) return false;
    std::memcpy(&into, file_.data() + offset, sizeof into);
    return true;
  }
  template <typename T>
  bool read_at(std::uint64_t address, T& into) const noexcept {
    std::uint64_t offset = 0;
    return find(address, sizeof into, offset) && read(offset, into);
  }

  // Where in the file what is to be at an address lies; false if not all `size` bytes come from it.
  bool find(std::uint64_t address, std::uint64_t size, std::uint64_t& offset) const noexcept;

  // Whether there will be memory at the address.
  bool is_mapped(std::uint64_t address) const noexcept;

 private:
  std::string_view read_all() noexcept;
  std::string_view read_segment(Segment& segment) noexcept;

  const std::span<const char> file_;
  std::string_view problem_;
  ElfW(Ehdr) head_{};
  std::array<Segment, 64> segments_;  // linkers make about ten
  std::size_t count_ = 0;
  std::uint64_t end_ = 0;  // of what is mapped
  const Segment* dynamic_ = nullptr;
};

}  // namespace cppwebsocket::runtime
