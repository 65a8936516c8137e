// An opening handshake of each draft that is accepted, to be changed for what is not.
#pragma once

#include <string>

namespace cppwebsocket::protocol::testing {

// The request that the seed document shows.
inline const std::string draft75_sample =
    "GET /demo HTTP/1.1\r\n"
    "Upgrade: WebSocket\r\n"
    "Connection: Upgrade\r\n"
    "Host: example.com\r\n"
    "Origin: http://example.com\r\n"
    "WebSocket-Protocol: sample\r\n"
    "\r\n";

// draft-76 §1.2, the first example; with the challenge's answer of §1.3.
inline const std::string draft76_sample =
    "GET /demo HTTP/1.1\r\n"
    "Host: example.com\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"
    "Sec-WebSocket-Protocol: sample\r\n"
    "Upgrade: WebSocket\r\n"
    "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n"
    "Origin: http://example.com\r\n"
    "\r\n"
    "^n:ds[4U";

inline std::string replaced(std::string sample, const std::string& what, const std::string& by) {
  return sample.replace(sample.find(what), what.size(), by);
}

}  // namespace cppwebsocket::protocol::testing
