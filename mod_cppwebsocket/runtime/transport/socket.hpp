// A plain TCP (or Unix) socket that was taken over from httpd.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "runtime/loop/descriptor.hpp"
#include "runtime/transport/tcp_count.hpp"
#include "runtime/transport/transport.hpp"

namespace cppwebsocket::runtime {

class SocketTransport : public Transport {
 public:
  // Takes over `descriptor`, which must be non-blocking. By reference: whoever has no memory for the
  // transport has it still.
  explicit SocketTransport(Descriptor&& descriptor) noexcept : descriptor_(std::move(descriptor)) {}

  int descriptor() const noexcept override { return descriptor_.get(); }
  IoResult read(std::span<char> buffer) noexcept override;
  IoResult write(std::span<const std::string_view> pieces) noexcept override;
  bool may_write_anywhere() const noexcept override { return true; }
  bool shutdown_write() noexcept override;
  std::optional<Carried> carried() const noexcept override { return carried_by_tcp(descriptor_.get()); }
  // Of a large message there is more than one read takes; whoever goes on has it in the cache still.
  bool has_input() const noexcept override { return filled_; }

 private:
  const Descriptor descriptor_;
  bool filled_ = false;  // the last read took all that it had room for
};

// The same for one that is no TCP socket, whose bytes the kernel does not count.
class PairTransport final : public SocketTransport {
 public:
  using SocketTransport::SocketTransport;

  IoResult read(std::span<char> buffer) noexcept override {
    const IoResult result = SocketTransport::read(buffer);
    carried_.in += result.bytes;
    return result;
  }
  IoResult write(std::span<const std::string_view> pieces) noexcept override {
    const IoResult result = SocketTransport::write(pieces);
    out_.fetch_add(result.bytes, std::memory_order_relaxed);
    return result;
  }
  std::optional<Carried> carried() const noexcept override {
    return Carried{carried_.in, out_.load(std::memory_order_relaxed)};
  }

 private:
  Carried carried_;
  std::atomic<std::uint64_t> out_{0};  // whoever has the wire
};

}  // namespace cppwebsocket::runtime
