// A plain TCP (or Unix) socket that was taken over from httpd.
#pragma once

#include <utility>

#include "runtime/loop/descriptor.hpp"
#include "runtime/transport/transport.hpp"

namespace cppwebsocket::runtime {

class SocketTransport final : public Transport {
 public:
  // Takes over `descriptor`, which must be non-blocking. By reference: whoever has no memory for the
  // transport has it still.
  explicit SocketTransport(Descriptor&& descriptor) noexcept : descriptor_(std::move(descriptor)) {}

  int descriptor() const noexcept override { return descriptor_.get(); }
  IoResult read(std::span<char> buffer) noexcept override;
  IoResult write(std::span<const std::string_view> pieces) noexcept override;
  bool may_write_anywhere() const noexcept override { return true; }
  bool shutdown_write() noexcept override;
  // Of a large message there is more than one read takes; whoever goes on has it in the cache still.
  bool has_input() const noexcept override { return filled_; }

 private:
  const Descriptor descriptor_;
  bool filled_ = false;  // the last read took all that it had room for
};

}  // namespace cppwebsocket::runtime
