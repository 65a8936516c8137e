// Asks httpd whether it would let a client do something, long after the client's request is gone: a request that nobody
// has sent goes through httpd's phases, up to authorisation and fixups, with what the opening handshake said: its fields,
// addresses, query, scheme and virtual host. So each rule that governs an address governs what is asked about it.
//
// What is otherwise than for a request of the client's: TLS itself. mod_ssl knows nothing of the connection, so an
// address with TLS rules of its own is refused, and `Require ssl` is never met; %{HTTPS} holds. Digest and Kerberos prove
// one request only: where an address has the handshake's AuthType and AuthName, the handshake's user is believed.
#pragma once

#include <httpd.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cppwebsocket::httpd {

// What a connection's questions are asked with. Its own copy of everything. Thread: any, one question at a time.
class Asker {
 public:
  // Thread: the request's MPM worker.
  explicit Asker(request_rec* r);

  struct Answer {
    int status = HTTP_INTERNAL_SERVER_ERROR;  // OK: allowed
    std::string why;                          // for the log, where there is more to say than the status
  };

  // `method`: GET or POST. `path`: absolute, not escaped. `look` is called with the request if it is allowed, before
  // that goes, and says no by returning false (then 404). Takes as long as httpd's modules take. Writes no line of
  // httpd's to the log. Raises std::bad_alloc, and what `look` does.
  Answer ask(const char* method, std::string_view path,
             const std::function<bool(request_rec*)>& look) const;

 private:
  friend int is_over_tls(conn_rec* c) noexcept;
  friend int believe_user(request_rec* r) noexcept;

  struct Address {
    std::string ip;
    unsigned short port = 0;
  };
  static Address address_of(const char* ip, const apr_sockaddr_t* address);
  static apr_sockaddr_t* made_in(apr_pool_t* pool, const Address& address);

  conn_rec* make_connection(apr_pool_t* pool) const;
  request_rec* make_request(conn_rec* c, const char* method, const char* target) const;
  int run_phases(request_rec* r) const;
  bool has_tls_rules(const request_rec* r) const noexcept;

  server_rec* server_;
  Address peer_, client_, local_;  // of the connection; of who mod_remoteip says is behind it; ours
  std::string query_;              // with its '?', or empty
  std::vector<std::pair<std::string, std::string>> fields_;
  std::string user_, auth_type_, auth_name_;
  bool secure_;
};

// To be called where hooks are registered.
void register_questions() noexcept;

}  // namespace cppwebsocket::httpd
