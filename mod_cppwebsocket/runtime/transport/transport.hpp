// A byte stream under a session. Never blocks.
// Thread: the session's reactor; write() also another, if may_write_anywhere().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace cppwebsocket::runtime {

enum class IoStatus : std::uint8_t { ok, would_block, closed, error };

struct IoResult {
  IoStatus status = IoStatus::ok;
  std::size_t bytes = 0;  // moved; 0 unless ok
  int error = 0;          // errno, with IoStatus::error
};

// Bytes that the network has carried, as the kernel counts them.
struct Carried {
  std::uint64_t in = 0, out = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;  // closes the connection if it is still open

  virtual int descriptor() const noexcept = 0;  // to wait on
  virtual IoResult read(std::span<char> buffer) noexcept = 0;

  // With no pieces: goes on with what was accepted. Ok, too, if only bytes of that have moved.
  virtual IoResult write(std::span<const std::string_view> pieces) noexcept = 0;

  // Whether write() may be called on another thread, if one at a time, while read() is on its own.
  virtual bool may_write_anywhere() const noexcept { return false; }

  // TLS may know more than the descriptor shows: that read() would not block; and how many bytes it
  // has accepted that wait for the descriptor to be writable (less than 4 GiB).
  virtual bool has_input() const noexcept { return false; }
  virtual std::uint32_t unsent() const noexcept { return 0; }

  // All bytes of the connection so far: with TLS, and with what was read before this object was there, the request
  // of the handshake too. None where it cannot be known, or descriptor() is closed.
  virtual std::optional<Carried> carried() const noexcept { return std::nullopt; }

  // Says that no more will be written; reading goes on. Call it when nothing is unsent. False: call
  // again when the descriptor is writable.
  virtual bool shutdown_write() noexcept = 0;
};

}  // namespace cppwebsocket::runtime
