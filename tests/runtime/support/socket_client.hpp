// The other end of a socket pair: a client that waits, but never longer than 20 seconds.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/transport/transport.hpp"

namespace cppwebsocket::testing {

class SocketClient {
 public:
  SocketClient();
  ~SocketClient() { close(); }
  SocketClient(SocketClient&& other) noexcept
      : ours_(std::exchange(other.ours_, -1)), theirs_(std::exchange(other.theirs_, -1)) {}
  SocketClient& operator=(SocketClient&& other) noexcept {
    std::swap(ours_, other.ours_);
    std::swap(theirs_, other.theirs_);
    return *this;
  }

  // The server's end; to be called once.
  std::unique_ptr<runtime::Transport> transport();

  void send(std::string_view bytes);
  std::string receive(std::size_t bytes);  // exactly as many, or fewer at the end of the stream
  std::string receive_all();               // until the end of the stream
  void drain();                            // reads and forgets, until the end of the stream
  void close();

 private:
  int ours_ = -1;
  int theirs_ = -1;
};

// True as soon as `descriptor` is readable, false after 20 seconds.
bool wait_readable(int descriptor);

}  // namespace cppwebsocket::testing
