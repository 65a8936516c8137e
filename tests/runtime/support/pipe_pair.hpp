// Two connected sockets, for tests that wait for descriptors.
#pragma once

#include <string>
#include <string_view>

#include <sys/socket.h>
#include <unistd.h>

#include "runtime/loop/descriptor.hpp"

namespace cppwebsocket::testing {

class PipePair {
 public:
  PipePair() {
    int both[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) != 0) return;
    ours_ = runtime::Descriptor(both[0]);
    theirs_ = runtime::Descriptor(both[1]);
  }

  int handlers() const noexcept { return ours_.get(); }  // the handler's end
  void close_handlers() { ours_ = runtime::Descriptor(-1); }

  void write(std::string_view bytes) const {
    [[maybe_unused]] const auto written = ::write(theirs_.get(), bytes.data(), bytes.size());
  }
  void close_other() { theirs_ = runtime::Descriptor(-1); }
  // So that the handler's end cannot be written, and then can again.
  void fill() const {
    const std::string chunk(4096, 'x');
    while (::write(ours_.get(), chunk.data(), chunk.size()) > 0) {
    }
  }
  void drain() const {
    char chunk[4096];
    while (::read(theirs_.get(), chunk, sizeof chunk) > 0) {
    }
  }
  std::string read() const {  // at the handler's end
    char chunk[4096];
    const auto count = ::read(ours_.get(), chunk, sizeof chunk);
    return count > 0 ? std::string(chunk, static_cast<std::size_t>(count)) : std::string();
  }

 private:
  runtime::Descriptor ours_{-1}, theirs_{-1};
};

}  // namespace cppwebsocket::testing
