// What TLS said at the opening handshake, for questions that are asked long after it. It cannot change within a
// connection, and mod_ssl, which keeps it with the connection, knows nothing of a made-up one. So `Require ssl` and
// `ssl-verify-client` are answered from here while a question is asked, and the %{SSL_...} of expressions.
#pragma once

#include <httpd.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cppwebsocket::httpd {

struct TlsFacts {
  bool is_tls = false;       // as mod_ssl has it: a proxy's word does not count
  bool is_verified = false;  // the client has shown a certificate, and it is good
  std::vector<std::pair<std::string, std::string>> variables;  // those that expressions have named so far
};

// Thread: the request's MPM worker.
TlsFacts tls_facts_of(request_rec* r);

// As long as a question is asked on this thread, with `c` as its connection. Both outlive it.
class TlsFactsInUse {
 public:
  TlsFactsInUse(const TlsFacts& facts, const conn_rec* c) noexcept;
  ~TlsFactsInUse();
  TlsFactsInUse(const TlsFactsInUse&) = delete;
  TlsFactsInUse& operator=(const TlsFactsInUse&) = delete;
};

// Whether a section around the address says something to mod_ssl, such as SSLVerifyClient or SSLRequire.
bool has_tls_rules(const request_rec* r) noexcept;
// From here on it is as if none did.
void set_aside_tls_rules(request_rec* r) noexcept;

// To be called where hooks are registered.
void register_tls_facts() noexcept;

}  // namespace cppwebsocket::httpd
