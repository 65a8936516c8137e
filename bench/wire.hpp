// A non-blocking socket, with or without TLS inside it, that is used like recv(2) and send(2).
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace bench {

struct FreeTls {
  void operator()(SSL_CTX* tls) const noexcept { SSL_CTX_free(tls); }
};
using Tls = std::unique_ptr<SSL_CTX, FreeTls>;

inline Tls make_tls(const SSL_METHOD* method) {
  Tls tls(SSL_CTX_new(method));
  if (!tls) throw std::runtime_error("OpenSSL does not start");
  SSL_CTX_set_min_proto_version(tls.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(tls.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(tls.get(), 1);  // a record's header and body in one system call
  return tls;
}

// A server's, with the certificate and the key that are in `pem`.
inline Tls make_server_tls(const std::string& pem) {
  Tls tls = make_tls(TLS_server_method());
  if (SSL_CTX_use_certificate_chain_file(tls.get(), pem.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(tls.get(), pem.c_str(), SSL_FILETYPE_PEM) != 1) {
    throw std::runtime_error("no certificate and key in " + pem);
  }
  return tls;
}

class Wire {
 public:
  Wire() = default;
  // Owns the descriptor. `tls` may be null: then there is none.
  Wire(int descriptor, SSL_CTX* tls, bool is_server) : descriptor_(descriptor) {
    if (!tls) return;
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, descriptor);
    is_server ? SSL_set_accept_state(ssl_) : SSL_set_connect_state(ssl_);
  }
  Wire(Wire&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        ssl_(std::exchange(other.ssl_, nullptr)) {}
  Wire& operator=(Wire&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(ssl_, other.ssl_);
    return *this;
  }
  ~Wire() {
    if (ssl_) SSL_free(ssl_);
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  int descriptor() const noexcept { return descriptor_; }

  // A client's TLS handshake. 1: done, or there is none to do; else as recv.
  ssize_t shake_hands() noexcept { return ssl_ ? outcome(SSL_do_handshake(ssl_)) : 1; }

  ssize_t receive(char* bytes, std::size_t size) noexcept {
    if (!ssl_) return recv(descriptor_, bytes, size, 0);
    return outcome(SSL_read(ssl_, bytes, static_cast<int>(size)));
  }

  ssize_t send(const char* bytes, std::size_t size) noexcept {
    if (!ssl_) return ::send(descriptor_, bytes, size, MSG_NOSIGNAL);
    return outcome(SSL_write(ssl_, bytes, static_cast<int>(size)));
  }

  // There may be more to receive, which epoll does not know of.
  bool holds_more() const noexcept { return ssl_ && SSL_has_pending(ssl_); }

 private:
  ssize_t outcome(int result) noexcept {
    if (result > 0) return result;
    const int error = SSL_get_error(ssl_, result);
    ERR_clear_error();
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return 0;
    errno = EAGAIN;
    return -1;
  }

  int descriptor_ = -1;
  SSL* ssl_ = nullptr;
};

}  // namespace bench
