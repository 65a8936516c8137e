// A transport whose other end is the test.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/transport/transport.hpp"

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

  // What a transport may have that the descriptor does not show, as TLS does.
  bool hides_input = false;          // has_input(), and the descriptor is not readable
  std::size_t transport_buffer = 0;  // bytes that it accepts beyond those that the peer takes
  std::string held;                  // the accepted ones
  int shutdowns_refused = 0;         // so often shutdown_write() says "again"

  void send(std::string_view bytes) { input.append(bytes); }
  std::string take_output() {
    writes = 0;
    return std::exchange(output, {});
  }
  bool has_input() const { return !input.empty() || at_end || read_error != 0; }
  bool readable() const { return !hides_input && has_input(); }
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
    const bool moved = deliver() != 0;
    if (!peer_->held.empty()) return {moved ? IoStatus::ok : IoStatus::would_block, 0, 0};
    std::size_t room = std::min(peer_->capacity, peer_->largest_write);
    room += std::min(peer_->transport_buffer, FakePeer::unlimited - room);
    if (room == 0) return {IoStatus::would_block, 0, 0};
    for (std::string_view piece : pieces)
      peer_->held.append(piece.substr(0, room - peer_->held.size()));
    const std::size_t accepted = peer_->held.size();
    deliver();
    ++peer_->writes;
    return {IoStatus::ok, accepted, 0};
  }

  bool has_input() const noexcept override { return peer_->hides_input && peer_->has_input(); }
  std::uint32_t unsent() const noexcept override {
    return static_cast<std::uint32_t>(peer_->held.size());
  }

  bool shutdown_write() noexcept override {
    if (peer_->shutdowns_refused-- > 0) return false;
    peer_->write_ended = true;
    return true;
  }

 private:
  // Moves what the peer takes, and returns how much that was.
  std::size_t deliver() noexcept {
    const std::size_t count = std::min({peer_->held.size(), peer_->capacity, peer_->largest_write});
    peer_->output.append(peer_->held, 0, count);
    peer_->held.erase(0, count);
    if (peer_->capacity != FakePeer::unlimited) peer_->capacity -= count;
    return count;
  }

  std::shared_ptr<FakePeer> peer_;
};

}  // namespace cppwebsocket::testing
