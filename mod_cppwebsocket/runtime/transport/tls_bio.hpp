// What OpenSSL has below an SSL object instead of a socket: it reads what its transport has
// received, and what it writes gathers in the transport. So it never waits. Thread: the
// transport's.
#pragma once

#include <cstddef>

#include "runtime/transport/tls.hpp"

namespace cppwebsocket::runtime {

class TlsBio {
 public:
  static constexpr std::size_t most_unsent = 256
                                             << 10;  // bytes; a peer that takes none gets no more

  // For `transport`, which outlives it. Throws std::bad_alloc.
  static BIO* make(TlsTransport& transport);

 private:
  static BIO_METHOD* make_method() noexcept;
  static TlsTransport& of(BIO* bio) noexcept;
  static int read(BIO* bio, char* buffer, int size) noexcept;
  static int write(BIO* bio, const char* bytes, int size) noexcept;
  static long control(BIO* bio, int command, long number, void* pointer) noexcept;
};

}  // namespace cppwebsocket::runtime
