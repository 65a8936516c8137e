// TLS, from the SSL object with which httpd's mod_ssl has accepted the connection.
//
//   read:   one recv() into memory that the thread's connections share → OpenSSL → plaintext
//   write:  pieces → full records → OpenSSL → one send(); what the kernel does not take stays here
//
// OpenSSL sees no socket: what it wants to read is in memory already, and what it writes is
// gathered. So it never waits, and an idle connection has no buffer but OpenSSL's own.
// Thread: constructed on an httpd worker; start(): whoever ends httpd's use of the SSL object; the
// rest, and the destructor if it was started: the session's reactor.
#pragma once

#include <string>

#include "runtime/loop/descriptor.hpp"
#include "runtime/transport/openssl.hpp"
#include "runtime/transport/tcp_count.hpp"
#include "runtime/transport/transport.hpp"

namespace cppwebsocket::runtime {

class TlsTransport final : public Transport {
 public:
  // Takes a reference of its own on `ssl`, and takes over `descriptor`, which must be non-blocking. Until
  // start() the connection belongs to mod_ssl, which may still end it in its way: not a byte of
  // that gets to the peer, who is to hear more from us.
  TlsTransport(SSL* ssl, Descriptor&& descriptor) noexcept;
  ~TlsTransport() override;
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  // mod_ssl has let go. Throws std::bad_alloc, and then the transport may only be destroyed.
  void start();

  int descriptor() const noexcept override { return descriptor_.get(); }
  IoResult read(std::span<char> buffer) noexcept override;
  IoResult write(std::span<const std::string_view> pieces) noexcept override;
  bool has_input() const noexcept override;
  std::uint32_t unsent() const noexcept override {
    return static_cast<std::uint32_t>(unsent_.size() - sent_);
  }
  bool shutdown_write() noexcept override;
  std::optional<Carried> carried() const noexcept override { return carried_by_tcp(descriptor_.get()); }

 private:
  friend class TlsBio;  // what OpenSSL calls back
  class Turn;
  IoResult receive() noexcept;
  std::size_t decrypt(std::span<char> buffer) noexcept;
  std::size_t encrypt(std::span<const std::string_view> pieces, std::size_t skip) noexcept;
  bool write_records(const char* bytes, std::size_t size) noexcept;
  IoResult send() noexcept;

  SSL* const ssl_;
  const Descriptor descriptor_;
  std::string_view input_;  // what was received and OpenSSL has not taken
  std::string kept_input_;  // the same between two calls; only if the reader's buffer is small
  std::string unsent_;      // ciphertext; its capacity is lent for the length of a call
  std::size_t sent_ = 0;    // bytes of it that the kernel has taken
  bool at_end_;             // the peer has said close_notify
  bool failed_ = false;     // OpenSSL can do no more with this connection
  bool notified_ = false;   // our close_notify is in unsent_, or sent
};

}  // namespace cppwebsocket::runtime
