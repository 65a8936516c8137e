// Asks httpd whether it would let a client do something, long after the client's request is gone: a request that nobody
// has sent goes through httpd's phases, up to authorisation and fixups, with what the opening handshake said: its fields,
// addresses, query, scheme and virtual host. So each rule that governs an address governs what is asked about it.
//
// What is otherwise than for a request of the client's: TLS itself, of which holds what the handshake had
// (tls_facts.hpp). So TLS rules that the handshake's own address had are not asked again, and another address that has
// rules of its own is refused. Digest, Kerberos and a certificate that stands for a password prove one request only, or
// none: where an address has the handshake's AuthType and AuthName, the handshake's user is believed.
#pragma once

#include "httpd/ask/tls_facts.hpp"

#include <cppwebsocket/detail/judge.hpp>

#include <httpd.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cppwebsocket::httpd {

// What a connection's questions are asked with. Its own copy of everything. Thread: any.
class Asker {
 public:
  // Thread: the request's MPM worker.
  explicit Asker(request_rec* r);

  struct Answer {
    int status = HTTP_INTERNAL_SERVER_ERROR;  // OK: allowed
    std::string why;                          // for the log, where there is more to say than the status

    // What keeps it from being found out now is no refusal.
    Allowed word() const noexcept;
  };

  // `method`: GET or POST. `path`: absolute, not escaped. `look` is called with the request if it is allowed, before
  // that goes, and says no by returning false (then 404). Takes as long as httpd's modules take. Writes no line of
  // httpd's to the log. Raises std::bad_alloc, and what `look` does.
  Answer ask(const char* method, std::string_view path,
             const std::function<bool(request_rec*)>& look = {}) const;

  // The same of the request that the client has sent: whether it would be allowed now.
  Answer ask_again() const;

  // What of it tells two clients' questions apart: connections with the same key get the same answers.
  std::string key() const;

  server_rec* server() const noexcept { return server_; }
  const std::string& user() const noexcept { return user_; }
  const std::string& client() const noexcept { return client_.ip; }
  const std::string& target() const noexcept { return target_; }

 private:
  friend int is_over_tls(conn_rec* c) noexcept;
  friend int prepare_rules(request_rec* r) noexcept;
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
  Answer follow(const char* method, std::string target, bool is_own,
                const std::function<bool(request_rec*)>& look) const;
  bool is_own_path(std::string_view path) const noexcept;
  bool believes_user_for(std::string_view auth_type) const noexcept;

  server_rec* server_;
  Address peer_, client_, local_;  // of the connection; of who mod_remoteip says is behind it; ours
  std::string target_;             // as the client sent it
  std::string query_;              // with its '?', or empty
  std::vector<std::string> paths_;  // to which that has led, by rules of directories
  std::vector<std::pair<std::string, std::string>> fields_;
  std::string user_, auth_type_, auth_name_;
  TlsFacts tls_;
  bool secure_;
  bool has_authorization_ = false;  // the client's field
};

// To be called where hooks are registered.
void register_questions() noexcept;

}  // namespace cppwebsocket::httpd
