// The keys of WebSockets over HTTP/2. mod_http2 puts a key of its own in the place of the client's,
// checks the answer to that, and sends none. So a filter on the client's connection reads along.
// Thread: a ClientKeys: put: the connection's; take: any.
#pragma once

#include "protocol/opening/handshake.hpp"

#include <httpd.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cppwebsocket::httpd {

class ClientKeys {
 public:
  void put(std::uint32_t stream, std::string_view key);
  std::optional<std::string> take(std::uint32_t stream);

 private:
  static constexpr std::size_t most = 100;  // more than an HTTP/2 connection has streams open

  std::mutex mutex_;
  std::deque<std::pair<std::uint32_t, std::string>> keys_;  // GUARDED_BY(mutex_), the oldest first
};

// The key that the client sent for this stream, once; none if it sent none, or its connection is
// not HTTP/2. Thread: the request's.
std::optional<std::string> client_key(const request_rec* r);

// Has mod_http2 pass the answer on as it is, whose status is to be 200, then. False if it cannot
// be.
bool take_answer_from_mod_http2(conn_rec* c) noexcept;

bool is_key_filter(std::string_view name) noexcept;

void register_client_keys() noexcept;

}  // namespace cppwebsocket::httpd
