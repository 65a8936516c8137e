// WebSocketMaxAge: until when a connection may be open, as far as its handshake tells. Thread: the request's.
#pragma once

#include <cppwebsocket/close.hpp>

#include <httpd.h>

#include <chrono>
#include <optional>
#include <string_view>
#include <variant>

namespace cppwebsocket::httpd {

struct ConnectionEnd {
  std::chrono::steady_clock::time_point when;
  CloseCode code;
};
struct NoAge {
  int status;
  std::string_view text;
};

// None: it may stay. Connections of one moment do not all get the same: up to a tenth of their time less, and up to a
// minute. Refused: its time is over already, or the expression is none of a time; the log says so.
std::variant<std::optional<ConnectionEnd>, NoAge> age_of(request_rec* r);

}  // namespace cppwebsocket::httpd
