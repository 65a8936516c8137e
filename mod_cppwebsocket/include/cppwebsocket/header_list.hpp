// Headers, or variables, one behind the other in one block of text: every open connection keeps
// those of its handshake, so they are packed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>

namespace cppwebsocket {

struct Header {
  std::string_view name;
  std::string_view value;
};

// A range of Header. Cheap to copy; it and its headers are valid as long as the block is.
// Thread: any.
class HeaderList {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Header;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Header;

    Iterator() = default;
    explicit Iterator(const char* at) noexcept : at_(at) {}
    Header operator*() const noexcept {
      const Sizes sizes = sizes_at(at_);
      const char* const name = at_ + sizeof(Sizes);
      return {{name, sizes.name}, {name + sizes.name, sizes.value}};
    }
    Iterator& operator++() noexcept {
      const Sizes sizes = sizes_at(at_);
      at_ += sizeof(Sizes) + sizes.name + sizes.value;
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(Iterator, Iterator) = default;

   private:
    const char* at_ = nullptr;
  };

  HeaderList() = default;
  explicit HeaderList(std::string_view packed) noexcept : packed_(packed) {}

  // Adds one to a block. Both sizes must be below 4 GiB.
  static void append(std::string& packed, std::string_view name, std::string_view value) {
    const Sizes sizes{static_cast<std::uint32_t>(name.size()),
                      static_cast<std::uint32_t>(value.size())};
    packed.append(reinterpret_cast<const char*>(&sizes), sizeof sizes);
    packed.append(name).append(value);
  }

  Iterator begin() const noexcept { return Iterator(packed_.data()); }
  Iterator end() const noexcept { return Iterator(packed_.data() + packed_.size()); }
  bool empty() const noexcept { return packed_.empty(); }
  std::size_t size() const noexcept {  // counts them
    return static_cast<std::size_t>(std::distance(begin(), end()));
  }

 private:
  struct Sizes {
    std::uint32_t name;
    std::uint32_t value;
  };
  static Sizes sizes_at(const char* at) noexcept {
    Sizes sizes;
    std::memcpy(&sizes, at, sizeof sizes);
    return sizes;
  }

  std::string_view packed_;
};

}  // namespace cppwebsocket
