// TLS below a connection to Redis, by OpenSSL: hiredis has had it since 1.0 only, and only for connections
// that it has opened itself. This object is linked with OpenSSL; the module is not.
// Thread: one.
#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "channels/backplane/backplane.hpp"

namespace cppwebsocket::channels {

struct FreeSsl {
  void operator()(SSL* connection) const noexcept { ::SSL_free(connection); }
  void operator()(SSL_CTX* context) const noexcept { ::SSL_CTX_free(context); }
};

// What all connections of a child have in common.
class RedisTls {
 public:
  // Raises runtime_error with what is wrong with a certificate or key.
  explicit RedisTls(const BackplaneTls& options);

  // A client's connection over the socket `descriptor`, to a server whose certificate is for `host`, a name or
  // an address. Null without memory.
  std::unique_ptr<SSL, FreeSsl> begin(int descriptor, const std::string& host) const;

  // Why SSL_connect(), SSL_read() or SSL_write() gave `result`, with the cure. Right behind the call.
  static std::string problem_of(const SSL* connection, int result);

 private:
  std::unique_ptr<SSL_CTX, FreeSsl> context_;
};

inline constexpr char redis_closed[] = "Server closed the connection";

}  // namespace cppwebsocket::channels
