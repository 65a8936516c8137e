// msgutil for blocking handlers: the same names, conditions and exceptions as in msgutil.hpp;
// the calling thread waits.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include <cppwebsocket/blocking_request.hpp>
#include <cppwebsocket/detail/operations.hpp>

namespace cppwebsocket::msgutil {

// The next message, or empty when the peer closed cleanly.
inline std::optional<Message> receive_message(BlockingRequest& request) {
  return request.receive(std::nullopt, false);
}
// The same, but raises TimeoutException at `deadline`, or after `timeout`.
inline std::optional<Message> receive_message(BlockingRequest& request,
                                              std::chrono::steady_clock::time_point deadline) {
  return request.receive(deadline, false);
}
inline std::optional<Message> receive_message(BlockingRequest& request,
                                              std::chrono::nanoseconds timeout) {
  return request.receive(detail::after(timeout), false);
}

// The next part of a message, where they come in fragments (request.receive_in_fragments).
inline std::optional<Fragment> receive_fragment(BlockingRequest& request) {
  return detail::MessageAccess::fragment(request.receive(std::nullopt, true));
}
inline std::optional<Fragment> receive_fragment(BlockingRequest& request,
                                                std::chrono::steady_clock::time_point deadline) {
  return detail::MessageAccess::fragment(request.receive(deadline, true));
}
inline std::optional<Fragment> receive_fragment(BlockingRequest& request,
                                                std::chrono::nanoseconds timeout) {
  return detail::MessageAccess::fragment(request.receive(detail::after(timeout), true));
}

// A message that is already here, or nothing.
inline std::optional<Message> try_receive(BlockingRequest& request) {
  return request.try_receive();
}

// Waits only while the connection's send buffer is full.
inline void send_message(BlockingRequest& request, Message message, bool end = true) {
  request.send(std::move(message), end);
}

inline void send_ping(BlockingRequest& request, std::string_view body = {}) { request.ping(body); }

// Sends a Close and waits for the peer's, not longer than WebSocketCloseTimeout.
inline void close_connection(BlockingRequest& request, CloseCode code = close_code::normal,
                             std::string_view reason = {}) {
  request.close(Close(code, std::string(reason)));
}
inline void close_connection(BlockingRequest& request, Close close) {
  request.close(std::move(close));
}

}  // namespace cppwebsocket::msgutil
