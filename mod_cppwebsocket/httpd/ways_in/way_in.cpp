#include "httpd/ways_in/way_in.hpp"

#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/ways_in/filter_chain.hpp"
#include "httpd/ways_in/takeover.hpp"
#include "httpd/ways_in/tls.hpp"
#include "protocol/opening/header_fields.hpp"

#include <util_filter.h>

#include <algorithm>
#include <string_view>

namespace cppwebsocket::httpd {

namespace {

// Filters that keep no bytes to themselves. remoteip_input reads the PROXY header and is done.
bool is_harmless(std::string_view name) noexcept {
  constexpr std::string_view known[] = {"core", "core_in", "log_input_output", "reqtimeout",
                                        "remoteip_input"};
  return std::any_of(std::begin(known), std::end(known), [name](std::string_view harmless) {
    return protocol::equal_ignoring_case(name, harmless);
  });
}

bool keeps_bytes(const ap_filter_t* filter) noexcept {
  const char* name = filter->frec->name;
  return !is_harmless(name) && !(is_tls_filter(name) && tls_of(filter->c));
}

// Whether a filter of the connection is not known to be harmless: bytes inside of it would be lost
// if the socket were taken over.
bool has_foreign_filter(const conn_rec* c) noexcept {
  for (const ap_filter_t* filter : {c->input_filters, c->output_filters})
    for (; filter; filter = filter->next)
      if (keeps_bytes(filter)) return true;
  return false;
}

}  // namespace

std::unique_ptr<WayIn> find_way_in(request_rec* r, Child& child, bool is_websocket,
                                   std::string& refusal) {
  const conn_rec* c = r->connection;
  if (c->master && is_websocket && !config_of(r->server).http2.value_or(false)) {
    refusal = "This server does not serve WebSockets over HTTP/2 (WebSocketHTTP2).";
    return nullptr;
  }
  if (c->master || has_foreign_filter(c)) return std::make_unique<FilterChainWay>(r, child);
  return std::make_unique<SocketTakeover>(r, child);
}

}  // namespace cppwebsocket::httpd
