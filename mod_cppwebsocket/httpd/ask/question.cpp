#include "httpd/ask/question.hpp"

#include "httpd/ask/kept_fields.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/rewriting.hpp"
#include "httpd/request/scheme.hpp"
#include "protocol/opening/header_fields.hpp"

#include <apr_buckets.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <http_ssl.h>
#include <http_vhost.h>
#include <util_filter.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace cppwebsocket::httpd {

namespace {

constexpr char sink_filter[] = "CPPWEBSOCKET_QUESTION_OUT";
constexpr char empty_filter[] = "CPPWEBSOCKET_QUESTION_IN";
constexpr int most_rules = 10;  // one behind the other, as httpd's LimitInternalRecursion

// A refusal is no client's, and must not look like one to fail2ban.
constexpr ap_logconf silent{nullptr, APLOG_EMERG};

struct Asked {
  const Asker* asker;
  const conn_rec* connection;
  bool is_own;  // about the handshake's address
};
thread_local Asked now_asked{};

// As long as a question is asked on this thread.
class Asking {
 public:
  Asking(const Asker& asker, const conn_rec* c, bool is_own) noexcept { now_asked = {&asker, c, is_own}; }
  ~Asking() { now_asked = {}; }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
};

struct Pool {
  // A child of the process's own, for modules keep things in the topmost pool that they see.
  Pool() {
    if (apr_pool_create(&pool, nullptr) != APR_SUCCESS) throw std::bad_alloc();
  }
  ~Pool() { apr_pool_destroy(pool); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  apr_pool_t* pool = nullptr;
};

// A module that answers a request in a phase would write to a connection that is not there.
apr_status_t swallow(ap_filter_t*, apr_bucket_brigade* brigade) noexcept {
  return apr_brigade_cleanup(brigade);
}
apr_status_t end_at_once(ap_filter_t*, apr_bucket_brigade*, ap_input_mode_t, apr_read_type_e,
                         apr_off_t) noexcept {
  return APR_EOF;
}

bool proves_one_request(std::string_view auth_type) noexcept {
  for (const char* each : {"Digest", "GSSAPI", "Negotiate", "Kerberos"})
    if (protocol::equal_ignoring_case(auth_type, each)) return true;
  return false;
}

// These MPMs look for their own record of the connection.
bool is_an_mpms(const char* source) noexcept {
  return std::strstr(source, "event.c") || std::strstr(source, "worker.c");
}

std::string escaped(std::string_view path) {
  static constexpr char digits[] = "0123456789ABCDEF";
  static constexpr std::string_view plain = "/-._~";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (protocol::is_alpha(c) || protocol::is_digit(c) || plain.find(c) != plain.npos)
      out.push_back(c);
    else
      out.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
  return out;
}

}  // namespace

int is_over_tls(conn_rec* c) noexcept {
  if (c != now_asked.connection || !now_asked.asker) return DECLINED;
  return now_asked.asker->secure_ ? OK : DECLINED;
}

// A section's LogLevel would hold from here on.
int prepare_rules(request_rec* r) noexcept {
  if (!now_asked.asker || r->connection != now_asked.connection) return DECLINED;
  r->log = &silent;
  if (now_asked.is_own && now_asked.asker->is_own_path(view(r->uri))) set_aside_tls_rules(r);
  return DECLINED;
}

int believe_user(request_rec* r) noexcept {
  if (!now_asked.asker || r->connection != now_asked.connection) return DECLINED;
  const Asker& asker = *now_asked.asker;
  const std::string_view type = view(ap_auth_type(r));
  if (asker.user_.empty() || !asker.believes_user_for(type) || view(ap_auth_name(r)) != asker.auth_name_ ||
      !protocol::equal_ignoring_case(type, asker.auth_type_))
    return DECLINED;
  r->user = c_string_in(r->pool, asker.user_);
  r->ap_auth_type = c_string_in(r->pool, asker.auth_type_);
  return OK;
}

Asker::Asker(request_rec* r)
    : server_(r->server),
      peer_(address_of(r->connection->client_ip, r->connection->client_addr)),
      client_(address_of(r->useragent_ip, r->useragent_addr)),
      local_(address_of(r->connection->local_ip, r->connection->local_addr)),
      user_(view(r->user)),
      auth_type_(view(ap_auth_type(r))),
      auth_name_(view(ap_auth_name(r))),
      tls_(tls_facts_of(r)),
      secure_(is_https(r)) {
  const request_rec* first = r;
  for (;; first = first->prev) {
    paths_.emplace_back(path_of(first));
    if (!first->prev) break;
  }
  target_ = view(first->unparsed_uri);
  if (first->parsed_uri.query) query_ = std::string("?") + first->parsed_uri.query;
  const apr_array_header_t* all = apr_table_elts(fields_of(r));
  const auto* entry = reinterpret_cast<const apr_table_entry_t*>(all->elts);
  for (int i = 0; i < all->nelts; ++i)
    if (entry[i].key && !belongs_to_body(entry[i].key)) {
      fields_.emplace_back(entry[i].key, view(entry[i].val));
      has_authorization_ |= protocol::equal_ignoring_case(entry[i].key, "Authorization");
    }
}

std::string Asker::key() const {
  std::string key = std::to_string(reinterpret_cast<std::uintptr_t>(server_));
  const auto add = [&key](std::string_view text) {
    key.append(std::to_string(text.size())).append(":").append(text);
  };
  for (const Address* each : {&peer_, &client_, &local_}) add(each->ip);
  add(std::to_string(local_.port));
  for (const std::string* each : {&target_, &user_, &auth_type_, &auth_name_}) add(*each);
  add(std::to_string(secure_ * 4 + tls_.is_tls * 2 + tls_.is_verified));
  for (const auto& [name, value] : tls_.variables) {
    add(name);
    add(value);
  }
  for (const auto& [name, value] : fields_) {
    if (is_of_one_connection(name)) continue;
    add(name);
    add(value);
  }
  return key;
}

Asker::Address Asker::address_of(const char* ip, const apr_sockaddr_t* address) {
  return {std::string(view(ip)), address ? address->port : static_cast<unsigned short>(0)};
}

apr_sockaddr_t* Asker::made_in(apr_pool_t* pool, const Address& address) {
  apr_sockaddr_t* made = nullptr;
  if (apr_sockaddr_info_get(&made, address.ip.c_str(), APR_UNSPEC, address.port, 0, pool) != APR_SUCCESS)
    apr_sockaddr_info_get(&made, "127.0.0.1", APR_INET, address.port, 0, pool);  // of a local socket
  return made;
}

conn_rec* Asker::make_connection(apr_pool_t* pool) const {
  auto* const c = static_cast<conn_rec*>(apr_pcalloc(pool, sizeof(conn_rec)));
  c->pool = pool;
  c->conn_config = ap_create_conn_config(pool);
  c->notes = apr_table_make(pool, 4);
  c->bucket_alloc = apr_bucket_alloc_create(pool);
  c->base_server = server_;
  c->client_addr = made_in(pool, peer_);
  c->client_ip = c_string_in(pool, peer_.ip);
  c->local_addr = made_in(pool, local_);
  c->local_ip = c_string_in(pool, local_.ip);
  c->keepalive = AP_CONN_CLOSE;
  c->log = &silent;
  ap_add_output_filter(sink_filter, nullptr, nullptr, c);
  ap_add_input_filter(empty_filter, nullptr, nullptr, c);
  return c;
}

request_rec* Asker::make_request(conn_rec* c, const char* method, const char* target) const {
  request_rec* const r = ap_create_request(c);
  r->method = method;
  r->method_number = ap_method_number_of(method);
  r->protocol = apr_pstrdup(r->pool, "HTTP/1.1");
  r->proto_num = HTTP_VERSION(1, 1);
  r->the_request = apr_psprintf(r->pool, "%s %s HTTP/1.1", method, target);
  r->request_time = apr_time_now();
  r->read_body = REQUEST_NO_BODY;
  r->status = HTTP_OK;
  for (const auto& [name, value] : fields_)
    apr_table_addn(r->headers_in, c_string_in(r->pool, name), c_string_in(r->pool, value));
  ap_parse_uri(r, target);
  if (r->status == HTTP_OK) ap_update_vhost_from_headers(r);
  return r;
}

// As httpd does behind the request's head.
int Asker::run_phases(request_rec* r) const {
  if (r->status != HTTP_OK) return r->status;
  const apr_array_header_t* hooks = ap_hook_get_post_read_request();
  for (int i = 0; hooks && i < hooks->nelts; ++i) {
    const auto& hook = reinterpret_cast<const ap_LINK_post_read_request_t*>(hooks->elts)[i];
    if (is_an_mpms(hook.szName)) continue;
    const int status = hook.pFunc(r);
    if (status != OK && status != DECLINED) return status;
  }
  // Whatever mod_remoteip could find out: the PROXY protocol was the connection's.
  r->useragent_addr = made_in(r->pool, client_);
  r->useragent_ip = c_string_in(r->pool, client_.ip);
  return ap_process_request_internal(r);
}

bool Asker::is_own_path(std::string_view path) const noexcept {
  return std::find(paths_.begin(), paths_.end(), path) != paths_.end();
}

// Basic without the field is mod_ssl's FakeBasicAuth: the name is the certificate's.
bool Asker::believes_user_for(std::string_view auth_type) const noexcept {
  if (proves_one_request(auth_type)) return true;
  return tls_.is_verified && !has_authorization_ && protocol::equal_ignoring_case(auth_type, "Basic");
}

Asker::Answer Asker::follow(const char* method, std::string first, bool is_own,
                            const std::function<bool(request_rec*)>& look) const {
  const Pool pool;
  conn_rec* const c = make_connection(pool.pool);
  const Asking asking(*this, c, is_own);
  const TlsFactsInUse facts(tls_, c);
  const char* target = c_string_in(pool.pool, first);
  bool is_seen = !look;
  // What a rule of a directory leads to is asked about as well: it is what would be answered.
  for (int i = 0; target; ++i) {
    if (i == most_rules) return {HTTP_INTERNAL_SERVER_ERROR, "rewriting has no end"};
    request_rec* const r = make_request(c, method, target);
    if (const int status = run_phases(r); status != OK && status != DECLINED) return {status, {}};
    if (tls_.is_tls && has_tls_rules(r))
      return {HTTP_FORBIDDEN,
              "the address has TLS rules of its own, which cannot be asked again: they belong to the whole host"};
    if (look) is_seen |= look(r);
    target = rewritten_target_of(r);
  }
  return {is_seen ? OK : HTTP_NOT_FOUND, {}};
}

Asker::Answer Asker::ask(const char* method, std::string_view path,
                         const std::function<bool(request_rec*)>& look) const {
  return follow(method, escaped(path) + query_, false, look);
}

Asker::Answer Asker::ask_again() const { return follow("GET", target_, true, {}); }

Allowed Asker::Answer::word() const noexcept {
  if (status == OK) return Allowed::yes;
  const bool is_for_now = status >= 500 || status == HTTP_REQUEST_TIME_OUT || status == HTTP_TOO_MANY_REQUESTS;
  return is_for_now ? Allowed::unknown : Allowed::no;
}

void register_questions() noexcept {
  register_kept_fields();
  register_tls_facts();
  ap_hook_post_perdir_config(prepare_rules, nullptr, nullptr, APR_HOOK_FIRST);
  ap_hook_ssl_conn_is_ssl(is_over_tls, nullptr, nullptr, APR_HOOK_FIRST);
  ap_hook_check_authn(believe_user, nullptr, nullptr, APR_HOOK_FIRST, AP_AUTH_INTERNAL_PER_CONF);
  ap_register_output_filter(sink_filter, swallow, nullptr, AP_FTYPE_NETWORK);
  ap_register_input_filter(empty_filter, end_at_once, nullptr, AP_FTYPE_NETWORK);
}

}  // namespace cppwebsocket::httpd
