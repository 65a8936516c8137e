// Headers, or variables, one behind the other in one block of text: every open connection keeps
// those of its handshake, so they are packed, and names that most handshakes have take two bytes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
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
      const char* at = at_;
      const std::size_t name_size = take_size(at);
      const auto known = name_size == 0 ? static_cast<unsigned char>(*at++) : known_names.size();
      const std::size_t value_size = take_size(at);
      return {known < known_names.size() ? known_names[known] : std::string_view(at, name_size),
              {at + name_size, value_size}};
    }
    Iterator& operator++() noexcept {
      const std::string_view value = (**this).value;
      at_ = value.data() + value.size();
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

  // Adds one to a block.
  static void append(std::string& packed, std::string_view name, std::string_view value) {
    const auto known = static_cast<std::size_t>(std::ranges::find(known_names, name) - known_names.begin());
    if (name.empty() || known < known_names.size()) {
      packed.push_back('\0');
      packed.push_back(static_cast<char>(known));
      name = {};
    } else {
      append_size(packed, name.size());
    }
    append_size(packed, value.size());
    packed.append(name).append(value);
  }

  Iterator begin() const noexcept { return Iterator(packed_.data()); }
  Iterator end() const noexcept { return Iterator(packed_.data() + packed_.size()); }
  bool empty() const noexcept { return packed_.empty(); }
  std::size_t size() const noexcept {  // counts them
    return static_cast<std::size_t>(std::distance(begin(), end()));
  }

 private:
  // As browsers and proxies write them. What handlers were built with is part of their ABI.
  static constexpr std::array<std::string_view, 26> known_names{
      "Host", "Connection", "Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key", "Sec-WebSocket-Extensions",
      "Sec-WebSocket-Protocol", "Origin", "User-Agent", "Accept", "Accept-Encoding", "Accept-Language",
      "Cache-Control", "Pragma", "Cookie", "Authorization", "Referer", "DNT", "Sec-Fetch-Dest", "Sec-Fetch-Mode",
      "Sec-Fetch-Site", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "Via"};

  // Seven bits to a byte, the lowest first; the highest bit says that more follow.
  static void append_size(std::string& packed, std::size_t size) {
    for (; size > 0x7f; size >>= 7) packed.push_back(static_cast<char>(size | 0x80));
    packed.push_back(static_cast<char>(size));
  }
  static std::size_t take_size(const char*& at) noexcept {
    std::size_t size = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at++);
      size |= static_cast<std::size_t>(byte & 0x7f) << shift;
      if (byte <= 0x7f) return size;
    }
  }

  std::string_view packed_;
};

}  // namespace cppwebsocket
