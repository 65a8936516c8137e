// BlockingRequest: one WebSocket connection, as a blocking handler sees it.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string_view>

#include <cppwebsocket/message.hpp>
#include <cppwebsocket/request_properties.hpp>
#include <cppwebsocket/sender.hpp>

namespace cppwebsocket {

// Thread: web_socket_transfer_data has a thread of the child's blocking pool to itself for as long
// as it runs (WebSocketBlockingThreads bounds how many there are; one more client gets 503).
// Pings, pongs and a slow peer's buffer are served behind its back. receive is for one thread at
// a time; send, ping and close may be called from any thread that ends before the handler does.
class BlockingRequest : public RequestProperties {
 public:
  // Runs `function` on a thread of its own. When web_socket_transfer_data ends, the stop_token is
  // requested, calls that wait on this request raise ConnectionTerminatedException, and the thread
  // is joined before the connection's objects go. What it raises ends the connection as if
  // raised by web_socket_transfer_data. Raises BadOperationException during the handshake.
  virtual void spawn(std::function<void(std::stop_token)> function) = 0;

  // Waits; raises ConnectionTerminatedException if the connection ends first.
  virtual void sleep_for(std::chrono::nanoseconds duration) = 0;

  // Becomes stop_requested when the connection begins to end for any reason. Thread: any.
  virtual std::stop_token stop_token() = 0;

  // A handle that never waits and may outlive the handler. See sender.hpp. Thread: any.
  virtual Sender sender() = 0;

  // The server's half of msgutil; use blocking_msgutil.hpp instead.
  virtual std::optional<Message> receive(
      std::optional<std::chrono::steady_clock::time_point> deadline) = 0;
  virtual std::optional<Message> try_receive() = 0;
  virtual void send(Message message, bool end) = 0;
  virtual void ping(std::string_view body) = 0;
  virtual void close(Close close) = 0;

 protected:
  using RequestProperties::RequestProperties;
  ~BlockingRequest() = default;
};

}  // namespace cppwebsocket
