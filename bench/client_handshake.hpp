// The client's opening handshake (RFC 6455 §4.1), with the key of §1.3's example.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

inline std::string make_request(const std::string& host, std::uint16_t port,
                                const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: " + host + ":" + std::to_string(port) +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
}

// `head`: status line and headers, without the empty line.
inline bool is_accepted(std::string head) {
  for (std::size_t i = 0; i < head.size(); ++i) {  // names in lower case, values as they are
    if (head[i] != '\n') continue;
    for (++i; i < head.size() && head[i] != ':'; ++i) head[i] |= 0x20;
  }
  constexpr std::string_view line = "\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
  return head.starts_with("HTTP/1.1 101 ") && head.find(line) != std::string::npos;
}

}  // namespace bench
