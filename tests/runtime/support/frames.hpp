// Frames as a client builds them and as it reads them (RFC 6455 §5.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cppwebsocket/close.hpp>

namespace cppwebsocket::testing {

enum Opcode : unsigned char { continuation, text, binary, close_frame = 8, ping, pong };

// A masked frame.
std::string client_frame(unsigned char opcode, std::string_view payload, bool fin = true);
std::string client_text(std::string_view payload);
std::string client_close(std::optional<CloseCode> code = 1000, std::string_view reason = {});

struct ServerFrame {
  unsigned char opcode = 0;
  bool fin = false;
  std::string payload;
  friend bool operator==(const ServerFrame&, const ServerFrame&) = default;
};

// The complete frames in `bytes`; fails the test for masked frames, reserved bits and leftovers.
std::vector<ServerFrame> server_frames(std::string_view bytes);

// The same, one short word each: "text:hello", "ping:", "close:1000", "close:1001 idle", "close:"…
std::vector<std::string> words(std::string_view bytes);

}  // namespace cppwebsocket::testing
