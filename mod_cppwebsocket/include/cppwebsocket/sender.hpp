// Sender: a connection as other threads see it.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include <cppwebsocket/close.hpp>
#include <cppwebsocket/message.hpp>

namespace cppwebsocket {

enum class SendResult {
  accepted,  // on its way, in the order in which this sender was called; lost (and logged) only if
             // the connection ends first, as it does when its handler returns
  full,      // the connection's send buffer is full; nothing was sent. Try again later, or give up
  closed,    // the connection is closing or gone; nothing was sent
};

namespace detail {
class RemoteSession {
 public:
  virtual ~RemoteSession() = default;
  virtual SendResult send(Message message) = 0;
  virtual void close(Close close) = 0;
  virtual std::size_t buffered_amount() const noexcept = 0;
  virtual bool is_open() const noexcept = 0;
};
}  // namespace detail

// Sends to and closes one connection from anywhere. Get one from request.sender(); copy it
// freely. It may outlive the connection, and then does nothing. It keeps neither the connection
// nor the handler's code alive: a thread that holds one must be ended by whoever started it.
// Thread: any, any number of them at once. Nothing here waits for the network.
class Sender {
 public:
  Sender() noexcept = default;  // refers to no connection: send() answers `closed`
  explicit Sender(std::shared_ptr<detail::RemoteSession> remote) noexcept
      : remote_(std::move(remote)) {}

  // Queues a whole message. Raises InvalidUTF8Exception if a text is not UTF-8. Never waits:
  // above the connection's send buffer (WebSocketSendBufferSize) the answer is `full`.
  SendResult send(Message message) const {
    return remote_ ? remote_->send(std::move(message)) : SendResult::closed;
  }

  // Starts the closing handshake (RFC 6455 §7.1.2) behind what was sent before. Later calls, and
  // calls on a closing connection, do nothing. Raises BadOperationException if the code may not
  // be sent or the reason is over 123 bytes or not UTF-8.
  void close(CloseCode code = close_code::normal, std::string reason = {}) const {
    if (remote_) remote_->close(Close(code, std::move(reason)));
  }

  // Bytes accepted and not yet handed to the kernel.
  std::size_t buffered_amount() const noexcept { return remote_ ? remote_->buffered_amount() : 0; }

  bool is_open() const noexcept { return remote_ && remote_->is_open(); }

 private:
  std::shared_ptr<detail::RemoteSession> remote_;
};

}  // namespace cppwebsocket
