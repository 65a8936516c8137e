// What a client reads that negotiated permessage-deflate without context takeover.
#pragma once

#include <string>
#include <utility>

#include "protocol/support/deflate_peer.hpp"
#include "runtime/support/frames.hpp"

namespace cppwebsocket::testing {

// All that the frames in `output` say; what is compressed has RSV1.
inline std::string inflated(std::string output) {
  protocol::test::Peer client(protocol::test::no_takeover);
  std::string all, message;
  bool compressed = false;
  while (output.size() >= 2) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(output[i]); };
    std::size_t size = byte(1), header = 2;
    if (size >= 126) {
      header = size == 126 ? 4 : 10;
      size = 0;
      for (std::size_t i = 2; i < header; ++i) size = size << 8 | byte(i);
    }
    if ((byte(0) & 0x0f) <= binary) {
      if (message.empty()) compressed = (byte(0) & 0x40) != 0;
      message += output.substr(header, size);
      if ((byte(0) & 0x80) == 0) {
        // More is to come.
      } else if (compressed) {
        all += client.inflate(std::exchange(message, {}), 64 << 20);
      } else {
        all += std::exchange(message, {});
      }
    } else {
      all += (byte(0) & 0x0f) == close_frame ? "[close]" : "[pong]";
    }
    output.erase(0, header + size);
  }
  return all;
}

}  // namespace cppwebsocket::testing
