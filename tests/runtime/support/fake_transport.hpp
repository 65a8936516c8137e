// A transport whose other end is the test.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/transport.hpp"

namespace cppwebsocket::testing {

// The other end. It outlives the transport.
struct FakePeer {
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

  // What the session will read.
  std::string input;
  std::size_t largest_read = unlimited;
  bool at_end = false;   // behind `input`: the peer has closed its side
  int read_error = 0;    // behind `input`: this errno
  bool hung_up = false;  // both sides are shut: told even to who does not want to read

  // What the session has written.
  std::string output;
  std::size_t writes = 0;            // calls that moved bytes
  std::size_t capacity = unlimited;  // bytes that the peer still takes
  std::size_t largest_write = unlimited;
  int write_error = 0;
  bool write_ended = false;  // shutdown_write()
  bool closed = false;       // the transport is gone

  void send(std::string_view bytes) { input.append(bytes); }
  std::string take_output() {
    writes = 0;
    return std::exchange(output, {});
  }
  bool readable() const { return !input.empty() || at_end || read_error != 0; }
  bool writable() const { return capacity > 0 || write_error != 0; }
};

class FakeTransport final : public runtime::Transport {
 public:
  explicit FakeTransport(std::shared_ptr<FakePeer> peer) : peer_(std::move(peer)) {}
  ~FakeTransport() override { peer_->closed = true; }

  int descriptor() const noexcept override { return 1'000'000; }

  runtime::IoResult read(std::span<char> buffer) noexcept override {
    using runtime::IoStatus;
    if (peer_->input.empty()) {
      if (peer_->read_error != 0) return {IoStatus::error, 0, peer_->read_error};
      return {peer_->at_end ? IoStatus::closed : IoStatus::would_block, 0, 0};
    }
    const std::size_t count = std::min({buffer.size(), peer_->input.size(), peer_->largest_read});
    std::copy_n(peer_->input.data(), count, buffer.data());
    peer_->input.erase(0, count);
    return {IoStatus::ok, count, 0};
  }

  runtime::IoResult write(std::span<const std::string_view> pieces) noexcept override {
    using runtime::IoStatus;
    if (peer_->write_error != 0) return {IoStatus::error, 0, peer_->write_error};
    std::size_t room = std::min(peer_->capacity, peer_->largest_write);
    if (room == 0) return {IoStatus::would_block, 0, 0};
    std::size_t moved = 0;
    for (std::string_view piece : pieces) {
      const std::string_view taken = piece.substr(0, room);
      peer_->output.append(taken);
      moved += taken.size();
      room -= taken.size();
    }
    if (peer_->capacity != FakePeer::unlimited) peer_->capacity -= moved;
    ++peer_->writes;
    return {IoStatus::ok, moved, 0};
  }

  bool shutdown_write() noexcept override {
    peer_->write_ended = true;
    return true;
  }

 private:
  std::shared_ptr<FakePeer> peer_;
};

}  // namespace cppwebsocket::testing
