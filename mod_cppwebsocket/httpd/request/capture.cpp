#include "httpd/request/capture.hpp"

#include "httpd/child/virtual_host.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/scheme.hpp"

#include <apr_network_io.h>
#include <http_protocol.h>

#include <cstring>

namespace cppwebsocket::httpd {

namespace {

std::span<Header> table_in(apr_pool_t* pool, const apr_table_t* table) {
  const apr_array_header_t* entries = apr_table_elts(table);
  const auto* entry = reinterpret_cast<const apr_table_entry_t*>(entries->elts);
  auto* const headers = static_cast<Header*>(
      apr_palloc(pool, sizeof(Header) * static_cast<std::size_t>(entries->nelts)));
  std::size_t count = 0;
  for (int i = 0; i < entries->nelts; ++i)
    if (entry[i].key) headers[count++] = {entry[i].key, view(entry[i].val)};
  return {headers, count};
}

std::string_view packed(apr_pool_t* pool, std::span<const Header> headers) {
  std::string block;
  for (const Header& header : headers) HeaderList::append(block, header.name, header.value);
  return {c_string_in(pool, block), block.size()};
}

// "192.0.2.1:1234", "[2001:db8::1]:1234"
std::string_view address(apr_pool_t* pool, const char* ip, const apr_sockaddr_t* address) {
  if (!ip || !address) return {};
  const char* format = std::strchr(ip, ':') ? "[%s]:%d" : "%s:%d";
  return apr_psprintf(pool, format, ip, static_cast<int>(address->port));
}

// What the client wrote. A request that was redirected internally, e.g. by RewriteRule in a
// <Directory>, has another URI; but draft-76 clients compare the location with theirs.
const char* target_of(const request_rec* r) noexcept {
  while (r->prev) r = r->prev;
  return r->unparsed_uri;
}

}  // namespace

std::span<Header> headers_of(request_rec* r) {
  const apr_table_t* headers = r->headers_in;
  if (r->connection->master) {
    // HTTP/2 has no such field (RFC 9113 §8.2.2); mod_http2 adds it to say that a body may come.
    apr_table_t* without = apr_table_copy(r->pool, headers);
    apr_table_unset(without, "Transfer-Encoding");
    headers = without;
  }
  return table_in(r->pool, headers);
}

protocol::OpeningRequest opening_request_of(request_rec* r, std::span<const Header> headers) {
  protocol::OpeningRequest request;
  request.method = r->method;
  request.http_version = r->proto_num;
  request.target = view(target_of(r));
  request.headers = headers;
  request.secure = is_https(r);
  return request;
}

std::unique_ptr<detail::RequestRecord> capture(request_rec* r, std::string_view resource,
                                               const protocol::Opening& opening,
                                               std::span<Header> headers) {
  auto record = std::make_unique<detail::RequestRecord>();
  record->handshake = std::make_unique<detail::HandshakeRecord>();
  record->handshake->requested_protocols = opening.protocols;
  record->handshake->requested_extensions = opening.extensions;
  record->handshake->httpd_request = r;
  using detail::Text;
  record->set_text(Text::location, c_string_in(r->pool, opening.location));
  record->set_text(Text::resource, resource);
  record->set_text(Text::query, view(r->args));
  record->set_text(Text::unparsed_uri, view(target_of(r)));
  record->set_text(Text::remote_address, address(r->pool, r->useragent_ip, r->useragent_addr));
  record->set_text(Text::local_address,
                   address(r->pool, r->connection->local_ip, r->connection->local_addr));
  record->set_text(Text::user, view(r->user));
  if (opening.origin) record->set_text(Text::origin, *opening.origin);
  record->set_text(Text::headers, packed(r->pool, headers));
  record->set_text(Text::environment, packed(r->pool, table_in(r->pool, r->subprocess_env)));
  record->server = config_of(r->server).host;
  record->version = opening.version;
  record->secure = is_https(r);
  return record;
}

}  // namespace cppwebsocket::httpd
