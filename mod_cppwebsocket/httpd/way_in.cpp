#include "httpd/way_in.hpp"

#include "httpd/child.hpp"
#include "httpd/takeover.hpp"
#include "httpd/tls.hpp"
#include "protocol/header_fields.hpp"

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

const char* foreign_in(const ap_filter_t* filter) noexcept {
  const auto is_ours = [](const ap_filter_t* one) {
    return is_harmless(one->frec->name) || (is_tls_filter(one->frec->name) && tls_of(one->c));
  };
  while (filter && is_ours(filter)) filter = filter->next;
  return filter ? filter->frec->name : nullptr;
}

// The name of a filter on the connection that is not known to be harmless, or null. Bytes inside of
// it would be lost if the socket were taken over, e.g. all that TLS does.
const char* foreign_filter(const conn_rec* c) noexcept {
  const char* found = foreign_in(c->input_filters);
  return found ? found : foreign_in(c->output_filters);
}

}  // namespace

std::unique_ptr<WayIn> find_way_in(request_rec* r, Child& child, std::string& refusal) {
  const conn_rec* c = r->connection;
  if (c->master) {
    refusal = "This server does not serve WebSockets over HTTP/2.";
    return nullptr;
  }
  if (const char* filter = foreign_filter(c)) {
    refusal = "This connection cannot be taken over (filter " + std::string(filter) + ").";
    return nullptr;
  }
  return std::make_unique<SocketTakeover>(r, child);
}

}  // namespace cppwebsocket::httpd
