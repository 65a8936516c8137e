// What is left of a message when its parts are gone: for parts_wsh.cpp and its blocking twin.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include <cppwebsocket/message.hpp>
#include <cppwebsocket/send_file.hpp>

struct Sum {
  void add(std::string_view bytes) {  // Adler-32, RFC 1950 section 8.2
    size += bytes.size();
    largest = std::max(largest, bytes.size());
    while (!bytes.empty()) {
      const std::string_view some = bytes.substr(0, 5000);
      for (const char byte : some) b += a += static_cast<unsigned char>(byte);
      a %= 65521;
      b %= 65521;
      bytes.remove_prefix(some.size());
    }
  }
  std::string text(bool is_text) const {
    return (is_text ? "text " : "binary ") + std::to_string(size) + " " + std::to_string(b << 16 | a) + " " +
           std::to_string(largest);
  }
  std::uint32_t a = 1, b = 0;
  std::size_t size = 0, largest = 0;
};

// "file OFFSET LENGTH TYPE PATH", of which LENGTH may be "all".
struct FileOrder {
  explicit FileOrder(const std::string& text) {
    std::size_t at = 5;
    const auto word = [&] {
      const std::size_t begin = std::exchange(at, text.find(' ', at) + 1);
      return text.substr(begin, at - 1 - begin);
    };
    offset = std::stoull(word());
    if (const std::string given = word(); given != "all") length = std::stoull(given);
    type = word() == "text" ? cppwebsocket::Message::Type::text : cppwebsocket::Message::Type::binary;
    descriptor = ::open(text.substr(at).c_str(), O_RDONLY | O_CLOEXEC);
  }
  FileOrder(const FileOrder&) = delete;
  ~FileOrder() { ::close(descriptor); }
  std::uint64_t offset;
  std::optional<std::uint64_t> length;
  cppwebsocket::Message::Type type;
  int descriptor;
};
