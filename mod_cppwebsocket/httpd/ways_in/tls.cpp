#include "httpd/ways_in/tls.hpp"

#include "httpd/child/start_hold.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "httpd/ways_in/connection_notes.hpp"
#include "httpd/ways_in/library.hpp"
#include "protocol/opening/header_fields.hpp"

#include <apr_optional_hooks.h>
#include <mod_ssl_openssl.h>
#include <util_filter.h>

#include <string>

#include <dlfcn.h>

namespace cppwebsocket::httpd {

// What is noted of a client's connection in the moment in which mod_ssl has made its SSL object.
class TlsConnection {
 public:
  explicit TlsConnection(SSL* made) noexcept : ssl(made) {}

  SSL* ssl;
  void (*then)(void*) noexcept = nullptr;
  void* object = nullptr;
};

namespace {

constexpr char end_of_network[] = "CPPWEBSOCKET_END_OF_NETWORK";

apr_status_t run_then(void* memory) noexcept {
  const auto& tls = *static_cast<TlsConnection*>(memory);
  if (tls.then) tls.then(tls.object);
  return APR_SUCCESS;
}

// mod_ssl registers its cleanup on the connection's pool after it has called this, and cleanups
// run last in, first out.
int note_tls(conn_rec* c, SSL* ssl, int is_proxy) noexcept {
  if (is_proxy || !runtime::has_openssl()) return DECLINED;
  auto* const tls = make_in<TlsConnection>(c->pool, ssl);
  make_notes_of(c).tls = tls;
  apr_pool_cleanup_register(c->pool, tls, run_then, apr_pool_cleanup_null);
  return DECLINED;
}

apr_status_t end_input(ap_filter_t* filter, apr_bucket_brigade* brigade, ap_input_mode_t mode,
                       apr_read_type_e block, apr_off_t most) noexcept {
  const apr_status_t status = ap_get_brigade(filter->next, brigade, mode, block, most);
  return status == APR_SUCCESS ? status : APR_EAGAIN;
}

}  // namespace

TlsConnection* tls_of(const conn_rec* c) noexcept {
  const ConnectionNotes* const notes = notes_of(c);
  return notes ? notes->tls : nullptr;
}

bool is_tls_filter(std::string_view name) noexcept {
  return protocol::equal_ignoring_case(name, "SSL/TLS Filter") ||
         protocol::equal_ignoring_case(name, "SSL/TLS Coalescing Filter");
}

void end_network_input(conn_rec* c) { ap_add_input_filter(end_of_network, nullptr, nullptr, c); }

std::unique_ptr<runtime::TlsTransport> make_tls_transport(TlsConnection& tls,
                                                          runtime::Descriptor&& descriptor) {
  return std::make_unique<runtime::TlsTransport>(tls.ssl, std::move(descriptor));
}

void after_mod_ssl(TlsConnection& tls, void (*then)(void*) noexcept, void* object) noexcept {
  tls.object = object;
  tls.then = then;
}

void register_tls() noexcept {
  // Next to the network, so that mod_ssl's filter is above it.
  const auto above_core = static_cast<ap_filter_type>(AP_FTYPE_NETWORK - 1);
  ap_register_input_filter(end_of_network, end_input, nullptr, above_core);
  APR_OPTIONAL_HOOK(ssl, pre_handshake, note_tls, nullptr, nullptr, APR_HOOK_MIDDLE);
}

void find_openssl(apr_pool_t*, server_rec* main_server) noexcept {
  const StartHold hold;
  const module* const mod_ssl = ap_find_linked_module("mod_ssl.c");
  if (!mod_ssl) return;
  void* const library = library_of(mod_ssl);
  const char* const missing = runtime::load_openssl(
      [library](const char* name) noexcept { return ::dlsym(library, name); });
  if (!missing) return pin_library(reinterpret_cast<const void*>(runtime::openssl().SSL_read));
  log_server(
      main_server, APLOG_WARNING,
      std::string("CWS0021: TLS connections cannot be taken over: mod_ssl's library has no ") +
          missing);
}

}  // namespace cppwebsocket::httpd
