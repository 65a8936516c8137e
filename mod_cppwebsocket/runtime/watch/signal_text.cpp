#include "runtime/watch/signal_text.hpp"

#include <algorithm>
#include <cerrno>

#include <unistd.h>

namespace cppwebsocket::runtime {

SignalText& SignalText::add(std::string_view text) noexcept {
  const std::size_t room = capacity - 1 - size_;  // one for the line's end
  text = text.substr(0, room);
  std::copy(text.begin(), text.end(), bytes_.data() + size_);
  size_ += text.size();
  return *this;
}

SignalText& SignalText::add_number(std::uint64_t number, unsigned digits) noexcept {
  std::array<char, 20> reversed;
  std::size_t count = 0;
  do {
    reversed[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0 || count < std::min<std::size_t>(digits, reversed.size()));
  std::reverse(reversed.begin(), reversed.begin() + count);
  return add({reversed.data(), count});
}

SignalText& SignalText::add_hex(std::uint64_t number) noexcept {
  std::array<char, 18> reversed;
  std::size_t count = 0;
  do {
    reversed[count++] = "0123456789abcdef"[number % 16];
    number /= 16;
  } while (number != 0);
  reversed[count++] = 'x';
  reversed[count++] = '0';
  std::reverse(reversed.begin(), reversed.begin() + count);
  return add({reversed.data(), count});
}

SignalText& SignalText::add_escaped(std::string_view text) noexcept {
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    if (byte >= 0x20 && byte < 0x7f && byte != '\\') {
      add({&each, 1});
      continue;
    }
    const char escaped[] = {'\\', 'x', "0123456789abcdef"[byte / 16], "0123456789abcdef"[byte % 16]};
    add({escaped, sizeof escaped});
  }
  return *this;
}

SignalText& SignalText::add_time(std::int64_t seconds, std::int64_t microseconds,
                                 std::int64_t offset) noexcept {
  constexpr std::string_view days = "ThuFriSatSunMonTueWed";  // 1970-01-01 was a Thursday
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  constexpr std::int64_t day = 86'400;
  const std::int64_t local = seconds + offset;
  if (local < 0) return add("?");
  std::int64_t left = local / day;
  add(days.substr(static_cast<std::size_t>(left % 7) * 3, 3)).add(" ");
  const auto is_leap = [](std::int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  };
  std::int64_t year = 1970;
  for (std::int64_t length; left >= (length = is_leap(year) ? 366 : 365); ++year) left -= length;
  const std::array<int, 12> lengths = {31, is_leap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  std::size_t month = 0;
  for (; left >= lengths[month]; ++month) left -= lengths[month];
  add(months.substr(month * 3, 3)).add(" ").add_number(static_cast<std::uint64_t>(left + 1), 2).add(" ");
  const auto second = static_cast<std::uint64_t>(local % day);
  add_number(second / 3600, 2).add(":").add_number(second / 60 % 60, 2).add(":").add_number(second % 60, 2);
  add(".").add_number(static_cast<std::uint64_t>(microseconds), 6).add(" ");
  return add_number(static_cast<std::uint64_t>(year));
}

void SignalText::write_line(int descriptor) noexcept {
  bytes_[size_] = '\n';
  const std::size_t size = size_ + 1;
  for (std::size_t done = 0; done < size;) {
    const ssize_t written = ::write(descriptor, bytes_.data() + done, size - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace cppwebsocket::runtime
