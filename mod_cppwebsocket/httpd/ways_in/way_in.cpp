#include "httpd/ways_in/way_in.hpp"

#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/ways_in/client_keys.hpp"
#include "httpd/ways_in/filter_chain.hpp"
#include "httpd/ways_in/library.hpp"
#include "httpd/ways_in/takeover.hpp"
#include "httpd/ways_in/tls.hpp"
#include "protocol/opening/header_fields.hpp"

#include <util_filter.h>

#include <algorithm>
#include <string_view>

namespace cppwebsocket::httpd {

namespace {

// Filters that keep no bytes to themselves. remoteip_input reads the PROXY header and is done,
// mod_dumpio and mod_qos (QS_SrvMinDataRate, QS_ClientEntries) look on.
bool is_harmless(std::string_view name) noexcept {
  constexpr std::string_view known[] = {"core",       "core_in",        "log_input_output",
                                        "reqtimeout", "remoteip_input", "dumpio_in",
                                        "dumpio_out", "qos-in-filter"};
  return std::any_of(std::begin(known), std::end(known), [name](std::string_view harmless) {
    return protocol::equal_ignoring_case(name, harmless);
  });
}

bool keeps_bytes(const ap_filter_t* filter) noexcept {
  const char* name = filter->frec->name;
  return !is_harmless(name) && !is_key_filter(name) && !(is_tls_filter(name) && tls_of(filter->c));
}

// A filter of the connection that is not known to be harmless, or null: bytes inside of it would be
// lost if the socket were taken over.
const ap_filter_t* foreign_filter(const conn_rec* c) noexcept {
  for (const ap_filter_t* filter : {c->input_filters, c->output_filters})
    for (; filter; filter = filter->next)
      if (keeps_bytes(filter)) return filter;
  return nullptr;
}

void tell_of(request_rec* r, Child& child, const ap_filter_t* filter) {
  const std::string_view name = filter->frec->name;
  if (!child.is_first_filter(name)) return;
  std::string line = "CWS0062: the filter ";
  line.append(name).append(" of ");
  line.append(file_of(reinterpret_cast<const void*>(filter->frec->filter_func.in_func)));
  line.append(
      " may keep bytes, so each WebSocket and event stream behind it holds a thread of httpd, as "
      "many as WebSocketFilterConnections says");
  log_request(r, APLOG_WARNING, line);
}

}  // namespace

std::unique_ptr<WayIn> find_way_in(request_rec* r, Child& child, bool is_websocket,
                                   std::string& refusal) {
  const conn_rec* c = r->connection;
  if (c->master && is_websocket && !config_of(r->server).http2.value_or(false)) {
    refusal = "This server does not serve WebSockets over HTTP/2 (WebSocketHTTP2).";
    return nullptr;
  }
  const ap_filter_t* const foreign = c->master ? nullptr : foreign_filter(c);
  if (foreign) tell_of(r, child, foreign);
  if (c->master || foreign) return std::make_unique<FilterChainWay>(r, child);
  return std::make_unique<SocketTakeover>(r, child);
}

}  // namespace cppwebsocket::httpd
