// A line of text that is put together in a signal handler: in memory of its own, and cut where that ends.
// Async-signal-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cppwebsocket::runtime {

class SignalText {
 public:
  static constexpr std::size_t capacity = 2048;

  std::string_view view() const noexcept { return {bytes_.data(), size_}; }
  void clear() noexcept { size_ = 0; }

  SignalText& add(std::string_view text) noexcept;
  SignalText& add_number(std::uint64_t number, unsigned digits = 1) noexcept;  // decimal, at least so many digits
  SignalText& add_hex(std::uint64_t number) noexcept;                          // 0x…
  // What comes from outside: anything but printable ASCII as \xNN, as httpd does it in its log.
  SignalText& add_escaped(std::string_view text) noexcept;
  // "Mon Nov 30 18:21:35.123456 2026", where local time is `offset` seconds ahead of UTC.
  SignalText& add_time(std::int64_t seconds, std::int64_t microseconds, std::int64_t offset) noexcept;

  // Writes it and a line's end, with one call if the kernel takes it.
  void write_line(int descriptor) noexcept;

 private:
  std::array<char, capacity> bytes_;
  std::size_t size_ = 0;
};

}  // namespace cppwebsocket::runtime
