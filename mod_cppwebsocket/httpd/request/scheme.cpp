#include "httpd/request/scheme.hpp"

#include "httpd/configuration/config.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "protocol/opening/header_fields.hpp"

#include <http_protocol.h>

#include <optional>
#include <string_view>

namespace cppwebsocket::httpd {

namespace {

// The field to look at; null if none is.
const char* field_name(const request_rec* r) noexcept {
  return r->server->server_scheme ? nullptr : config_of(r->server).scheme_header.value_or(nullptr);
}

std::string_view value_of(const request_rec* r, const char* name) noexcept {
  return protocol::trim(view(apr_table_get(r->headers_in, name)));
}

// mod_remoteip gives a request that came by such a proxy another address than the connection has.
// What it learns by the PROXY protocol does not count: whoever writes that need not write header
// fields, so that those are the client's own.
bool is_from_trusted_proxy(const request_rec* r) noexcept {
  const module* remoteip = ap_find_linked_module("mod_remoteip.c");
  if (!remoteip) return false;
  const conn_rec* c = r->connection->master ? r->connection->master : r->connection;
  const bool by_proxy_protocol = ap_get_module_config(c->conn_config, remoteip) != nullptr;
  return !by_proxy_protocol && r->useragent_addr != r->connection->client_addr;
}

// One word: a proxy that adds its own to what a client has written makes a list of it, and httpd
// one of several fields. Some proxies say of a WebSocket which scheme it has.
std::optional<bool> says_https(std::string_view value) noexcept {
  using protocol::equal_ignoring_case;
  if (equal_ignoring_case(value, "https") || equal_ignoring_case(value, "wss")) return true;
  if (equal_ignoring_case(value, "http") || equal_ignoring_case(value, "ws")) return false;
  return std::nullopt;
}

}  // namespace

bool is_https(const request_rec* r) noexcept {
  if (const char* name = field_name(r); name && is_from_trusted_proxy(r))
    if (const auto https = says_https(value_of(r, name))) return *https;
  return view(ap_http_scheme(r)) == "https";
}

std::string why_scheme_is_not_believed(const request_rec* r) {
  const char* name = field_name(r);
  if (!name) return {};
  const std::string_view value = value_of(r, name);
  std::string why = std::string("WebSocketSchemeHeader ") + name;
  if (value.empty()) return why + " did not come";
  if (!is_from_trusted_proxy(r))
    return why + " is not believed, for mod_remoteip does not trust " + r->connection->client_ip +
           ", or found no RemoteIPHeader of it";
  return says_https(value) ? std::string() : why + " is neither http nor https";
}

}  // namespace cppwebsocket::httpd
