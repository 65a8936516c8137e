// The application that takes a connection's messages (WebSocketHook message).
#pragma once

#include <cppwebsocket/message.hpp>

#include "channels/hooks/answer.hpp"

namespace cppwebsocket::channels {

class Receiver {
 public:
  virtual ~Receiver() = default;

  // Waits for the answer. Raises std::bad_alloc. Thread: any that may block; one message of a connection at a time, so
  // that they come in order, and a client that sends more than is answered is held up itself.
  virtual HookAnswer receive(const Message& message) = 0;
};

}  // namespace cppwebsocket::channels
