// msgutil: receive, send, ping and close, for coroutine handlers. Every function here returns
// something to co_await (try_receive apart) and runs on the connection's own thread; from other
// threads use request.sender().
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <cppwebsocket/request.hpp>

namespace cppwebsocket {
namespace detail {

class [[nodiscard]] ReceiveAwaiter {
 public:
  explicit ReceiveAwaiter(Request& request) noexcept : request_(request) {}
  bool await_ready() { return request_.begin(operation_); }
  void await_suspend(std::coroutine_handle<> waiting,
                     std::uint32_t line = __builtin_LINE()) noexcept {
    operation_.suspend(waiting, line);
  }
  std::optional<Message> await_resume() {
    operation_.rethrow_error();
    return request_.take_received(operation_);
  }

 protected:
  Request& request_;
  ReceiveOperation operation_;
};

class [[nodiscard]] TimedReceiveAwaiter : public ReceiveAwaiter {
 public:
  TimedReceiveAwaiter(Request& request, TimePoint deadline) noexcept : ReceiveAwaiter(request) {
    timer_.deadline = deadline;
    operation_.timer = &timer_;
  }

 private:
  OperationTimer timer_;
};

// Of a receive: for a part of a message.
template <typename Awaiter>
class [[nodiscard]] FragmentAwaiter : public Awaiter {
 public:
  template <typename... Arguments>
  explicit FragmentAwaiter(Request& request, Arguments... arguments) noexcept
      : Awaiter(request, arguments...) {
    this->operation_.in_fragments = true;
  }
  std::optional<Fragment> await_resume() { return MessageAccess::fragment(Awaiter::await_resume()); }
};

// Of something that was sent when the function was called; what may have to wait is the caller.
class [[nodiscard]] SendAwaiter {
 public:
  SendAwaiter(Request& request, bool has_room) noexcept
      : request_(request), operation_(has_room) {}
  bool await_ready() const noexcept { return operation_.has_room; }
  bool await_suspend(std::coroutine_handle<> waiting,
                     std::uint32_t line = __builtin_LINE()) noexcept {
    operation_.suspend(waiting, line);
    return request_.wait_for_room(operation_);
  }
  void await_resume() { operation_.rethrow_error(); }

 private:
  Request& request_;
  SendOperation operation_;
};

class [[nodiscard]] CloseAwaiter {
 public:
  CloseAwaiter(Request& request, Close close) noexcept
      : request_(request), close_(std::move(close)) {}
  bool await_ready() { return request_.begin(operation_, std::move(close_)); }
  void await_suspend(std::coroutine_handle<> waiting,
                     std::uint32_t line = __builtin_LINE()) noexcept {
    operation_.suspend(waiting, line);
  }
  void await_resume() { operation_.rethrow_error(); }

 private:
  Request& request_;
  Close close_;
  CloseOperation operation_;
};

}  // namespace detail

namespace msgutil {

// Waits for the next message. Empty: the peer closed cleanly (ws_close_code() and
// ws_close_reason() tell how, and the closing handshake is complete). Pings are answered and
// fragments joined on the way. A peer's Close is answered when receive reaches it, so that
// answers to earlier messages still go out before it; if the handler does not get there within
// WebSocketCloseTimeout, or has never called receive, it is answered without it.
// Raises ConnectionTerminatedException if the connection is lost, InvalidFrameException or
// InvalidUTF8Exception if the peer broke the protocol, BadOperationException if a receive is
// already waiting or the end was already received. RFC 6455 §5.4–§5.6, §6.2.
inline detail::ReceiveAwaiter receive_message(Request& request) {
  return detail::ReceiveAwaiter(request);
}

// The same, but raises TimeoutException if nothing has come by `deadline` (or within `timeout`).
inline detail::TimedReceiveAwaiter receive_message(
    Request& request, std::chrono::steady_clock::time_point deadline) {
  return {request, deadline};
}
inline detail::TimedReceiveAwaiter receive_message(Request& request,
                                                   std::chrono::nanoseconds timeout) {
  return {request, detail::after(timeout)};
}

// Waits for the next part of a message: what is here of it, 128 KiB at most, with its end if that is here.
// For connections that receive in fragments (request.receive_in_fragments); on others each message is one. The
// parts are not the peer's fragments, which mean nothing (RFC 6455 §5.4). Whoever takes none for a while has
// the peer wait. Empty: the peer closed cleanly; a message whose `end` has not come is not complete then.
// receive_message gives what is left of a message that has begun so, and closes with 1009 what is larger than
// WebSocketMaxMessageSize. Whoever wants no more of a message takes it up to its end, or closes.
// WebSocketMessageTimeout is for the peer; while the handler has it wait, it does not run out.
// Otherwise as receive_message.
inline detail::FragmentAwaiter<detail::ReceiveAwaiter> receive_fragment(Request& request) {
  return detail::FragmentAwaiter<detail::ReceiveAwaiter>(request);
}
inline detail::FragmentAwaiter<detail::TimedReceiveAwaiter> receive_fragment(
    Request& request, std::chrono::steady_clock::time_point deadline) {
  return detail::FragmentAwaiter<detail::TimedReceiveAwaiter>(request, deadline);
}
inline detail::FragmentAwaiter<detail::TimedReceiveAwaiter> receive_fragment(
    Request& request, std::chrono::nanoseconds timeout) {
  return detail::FragmentAwaiter<detail::TimedReceiveAwaiter>(request, detail::after(timeout));
}

// A message that is already here, or nothing. Never waits and never reports the end: for that,
// look at ready_state() or receive. Where messages come in fragments: one that is here as a whole.
inline std::optional<Message> try_receive(Request& request) { return request.try_receive(); }

// Sends a text (std::string, string_view, u8string_view, char*) or Message::binary(…). Waits only
// while the connection's send buffer is full, so a slow peer slows its own handler and nobody
// else. With `end` false it is a fragment: the message goes on in the next send, which must be of
// the same type, until one with `end` true.
// Raises InvalidUTF8Exception for a text that is not UTF-8 (a character may be split between
// fragments), BadOperationException after close_connection or if the type changes within a
// message, ConnectionTerminatedException if the connection has ended in any other way, even while it
// waits. After the first two nothing was sent. RFC 6455 §5.4, §5.6, §6.1.
inline detail::SendAwaiter send_message(Request& request, Message&& message, bool end = true) {
  return {request, request.send(std::move(message), end)};
}
inline detail::SendAwaiter send_message(Request& request, const Message& message,
                                        bool end = true) {
  return {request, request.send(Message(message), end)};
}

// Sends a ping. Raises BadOperationException if `body` is over 125 bytes, the Close was sent, or
// the client speaks a draft that has none. The pong goes to on_pong_handler. RFC 6455 §5.5.2.
inline detail::SendAwaiter send_ping(Request& request, std::string_view body = {}) {
  return {request, request.send_ping(body)};
}

// Sends a Close and waits for the peer's, for WebSocketCloseTimeout at most, and not at all with
// 1001 or 1002. Messages that arrive meanwhile are dropped. Raises BadOperationException if a
// Close was sent before, the code may not be sent, or the reason is over 123 bytes or not UTF-8.
// RFC 6455 §5.5.1, §7.1.2.
inline detail::CloseAwaiter close_connection(Request& request, CloseCode code = close_code::normal,
                                             std::string_view reason = {}) {
  return {request, Close(code, std::string(reason))};
}
// The same with Close(): a Close frame with an empty body.
inline detail::CloseAwaiter close_connection(Request& request, Close close) {
  return {request, std::move(close)};
}

}  // namespace msgutil

}  // namespace cppwebsocket
