#include "runtime/support/frames.hpp"

#include <gtest/gtest.h>

namespace cppwebsocket::testing {

namespace {

void append_number(std::string& out, std::uint64_t number, int bytes) {
  while (bytes-- > 0) out.push_back(static_cast<char>(number >> (8 * bytes)));
}

std::uint64_t number_at(std::string_view bytes) {
  std::uint64_t number = 0;
  for (unsigned char byte : bytes) number = number << 8 | byte;
  return number;
}

}  // namespace

std::string client_frame(unsigned char opcode, std::string_view payload, bool fin) {
  constexpr unsigned char key[4] = {0x37, 0xfa, 0x21, 0x3d};
  std::string frame(1, static_cast<char>(opcode | (fin ? 0x80 : 0)));
  if (payload.size() < 126) {
    frame.push_back(static_cast<char>(0x80 | payload.size()));
  } else if (payload.size() < 65536) {
    frame.push_back(static_cast<char>(0x80 | 126));
    append_number(frame, payload.size(), 2);
  } else {
    frame.push_back(static_cast<char>(0x80 | 127));
    append_number(frame, payload.size(), 8);
  }
  frame.append(reinterpret_cast<const char*>(key), 4);
  for (std::size_t i = 0; i < payload.size(); ++i)
    frame.push_back(static_cast<char>(payload[i] ^ key[i % 4]));
  return frame;
}

std::string client_text(std::string_view payload) { return client_frame(text, payload); }

std::string client_close(std::optional<CloseCode> code, std::string_view reason) {
  std::string payload;
  if (code) append_number(payload, *code, 2);
  return client_frame(close_frame, payload.append(reason));
}

std::vector<ServerFrame> server_frames(std::string_view bytes) {
  std::vector<ServerFrame> frames;
  while (bytes.size() >= 2) {
    const auto first = static_cast<unsigned char>(bytes[0]);
    const auto second = static_cast<unsigned char>(bytes[1]);
    EXPECT_EQ(first & 0x70, 0) << "reserved bits are set";
    EXPECT_LT(second, 0x80) << "a server must not mask";
    const std::size_t length_bytes = second == 127 ? 8 : second == 126 ? 2 : 0;
    const std::uint64_t size =
        length_bytes ? number_at(bytes.substr(2, length_bytes)) : second & 0x7f;
    if (bytes.size() < 2 + length_bytes + size) break;
    frames.push_back({static_cast<unsigned char>(first & 0x0f), (first & 0x80) != 0,
                      std::string(bytes.substr(2 + length_bytes, size))});
    bytes.remove_prefix(2 + length_bytes + size);
  }
  EXPECT_EQ(bytes.size(), 0u) << "an incomplete frame was sent";
  return frames;
}

std::vector<std::string> words(std::string_view bytes) {
  static constexpr const char* names[] = {"more", "text", "binary", "?",    "?",   "?",
                                          "?",    "?",    "close",  "ping", "pong"};
  std::vector<std::string> all;
  for (const ServerFrame& frame : server_frames(bytes)) {
    std::string word = frame.opcode <= pong ? names[frame.opcode] : "?";
    word += frame.fin ? ":" : "…:";
    if (frame.opcode == close_frame && frame.payload.size() >= 2) {
      word += std::to_string(number_at(std::string_view(frame.payload).substr(0, 2)));
      if (frame.payload.size() > 2) word += " " + frame.payload.substr(2);
    } else {
      word += frame.payload;
    }
    all.push_back(std::move(word));
  }
  return all;
}

}  // namespace cppwebsocket::testing
