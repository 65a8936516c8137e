// Pages of other origins: what WebSocketOrigin allows, and that in the words of CORS (Fetch, §3.2).
// A browser lets any page open a WebSocket or post a text, but not read a response that does not
// say so. What it does not know is whose name a page's server has: a page of attacker.example that
// has its name lead to this server asks the "same" origin. So that has to be one of our own names.
// Thread: the request's MPM worker.
#pragma once

#include "httpd/configuration/config.hpp"
#include "protocol/opening/header_fields.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cppwebsocket::httpd {

// Who asks for what, as the browser says.
struct Asking {
  std::optional<std::string_view> origin;  // Origin
  std::optional<std::string_view> site;    // Sec-Fetch-Site
  std::string_view host;                   // "host[:port]" that the request was sent to
  bool always_with_origin;                 // no browser sends such a request without Origin
};

// The refusal, which is in the log and is being answered: what the content handler must return.
// None if the policy allows the request.
std::optional<int> refuse_other_pages(request_rec* r, const OriginPolicy& policy,
                                      const Asking& asking);

// The same, for who answers himself: true if it is refused, which is in the log.
bool refuses_other_pages(request_rec* r, const OriginPolicy& policy, const protocol::HeaderFields& fields,
                         bool always_with_origin);

// The same as the first, for what these fields say.
std::optional<int> refuse_other_pages(request_rec* r, const OriginPolicy& policy,
                                      const protocol::HeaderFields& fields, bool always_with_origin);

// Adds what lets a page of `origin`, which was found to be allowed, read the response.
void add_cross_origin_headers(const OriginPolicy& policy, std::optional<std::string_view> origin,
                              std::vector<std::pair<std::string, std::string>>& headers);

}  // namespace cppwebsocket::httpd
