#include "httpd/request/cross_origin.hpp"

#include "httpd/child/child.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/answer.hpp"
#include "httpd/request/scheme.hpp"
#include "protocol/opening/authority.hpp"
#include "protocol/opening/origin.hpp"

#include <http_core.h>
#include <http_protocol.h>

#include <algorithm>

#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

using protocol::equal_ignoring_case;

std::string serialized(bool https, std::string_view authority) {
  return (https ? "https://" : "http://") + std::string(authority);
}

// --- names of our own ---------------------------------------------------------------------------

// As the machine is called in its own network, if ServerName does not say so.
bool is_name_of_machine(std::string_view host) noexcept {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return false;
  const std::string_view label = view(name).substr(0, view(name).find('.'));
  constexpr std::string_view local = ".local";  // RFC 6762 §3: asked of the link, of no server
  if (host.size() == label.size() + local.size() &&
      equal_ignoring_case(host.substr(label.size()), local))
    host.remove_suffix(local.size());
  return equal_ignoring_case(host, label);
}

template <typename Is>
bool any_of_names(const apr_array_header_t* names, Is is) noexcept {
  if (!names) return false;
  auto** const first = reinterpret_cast<const char**>(names->elts);
  return std::any_of(first, first + names->nelts,
                     [&](const char* each) { return each && is(each); });
}

// The names by which httpd would choose this virtual host.
bool is_name_of(const server_rec* server, std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);  // as httpd has it
  const auto is_same = [host](const char* each) { return equal_ignoring_case(host, view(each)); };
  const auto is_like = [text = std::string(host)](const char* pattern) {
    return ap_strcasecmp_match(text.c_str(), pattern) == 0;
  };
  if (is_same(server->server_hostname) || any_of_names(server->names, is_same) ||
      any_of_names(server->wild_names, is_like))
    return true;
  for (const server_addr_rec* each = server->addrs; each; each = each->next)
    if (is_same(each->virthost)) return true;
  return is_name_of_machine(host);
}

bool is_own_host(const request_rec* r, std::string_view text) {
  const auto authority = protocol::parse_authority(text);
  return authority &&
         (protocol::is_fixed_host(authority->host) || is_name_of(r->server, authority->host));
}

// What ServerName says if it has a scheme or a port. It holds whatever Host a proxy has made.
std::optional<std::string> canonical_origin(const request_rec* r) {
  const server_rec* const server = r->server;
  if (!server->server_scheme && server->port == 0) return std::nullopt;
  std::string authority(view(server->server_hostname));
  if (server->port != 0) authority.append(":").append(std::to_string(server->port));
  return serialized(is_https(r), authority);
}

// --- the judgement ------------------------------------------------------------------------------

bool is_same(const request_rec* r, std::string_view origin, std::string_view host) {
  if (protocol::is_same_origin(origin, host, is_https(r)) && is_own_host(r, host)) return true;
  const auto canonical = canonical_origin(r);
  return canonical && protocol::is_origin(origin, *canonical);
}

bool allows(const request_rec* r, const OriginPolicy& policy, std::string_view origin,
            std::string_view host) {
  const auto matches = [origin](const char* each) {
    return protocol::matches_origin(origin, each);
  };
  return std::any_of(policy.listed.begin(), policy.listed.end(), matches) ||
         (policy.same && is_same(r, origin, host));
}

// Of what a stranger wrote, as much as a log line needs.
std::string shortened(std::string_view text) { return std::string(text.substr(0, 200)); }

std::string expected(const request_rec* r, const OriginPolicy& policy, std::string_view host) {
  std::string all;
  const auto add = [&all](std::string_view each) {
    all.append(all.empty() ? "" : " or ").append(each);
  };
  if (policy.same) {
    if (const auto canonical = canonical_origin(r)) add(*canonical);
    const auto authority = protocol::parse_authority(host);
    std::string own(authority && is_own_host(r, host) ? authority->host
                                                      : view(r->server->server_hostname));
    if (authority && authority->port) own.append(":").append(std::to_string(*authority->port));
    if (const std::string origin = serialized(is_https(r), own); origin != all) add(origin);
  }
  for (const char* each : policy.listed) add(each);
  return all;
}

struct Refusal {
  std::string why;
  Cause cause;
};

Refusal unknown_name(const request_rec* r, std::string_view who, std::string_view host) {
  return {std::string(who) + ": " + shortened(host) + " is no name of this virtual host (" +
              r->server->server_hostname +
              "). If it should be one, ServerName or ServerAlias makes it one",
          Cause::unknown_host};
}

// Whether a proxy has put a Host of its own in the place of the browser's: then the page is of one
// of our names, or the proxy says itself what the browser's was.
bool may_be_of_proxy(const request_rec* r, std::string_view origin) {
  const char* forwarded = apr_table_get(r->headers_in, "X-Forwarded-Host");
  if (forwarded && (protocol::is_same_origin(origin, forwarded, true) ||
                    protocol::is_same_origin(origin, forwarded, false)))
    return true;
  const std::size_t end = origin.find("://");
  if (end == origin.npos) return false;
  const auto authority = protocol::parse_authority(origin.substr(end + 3));
  return authority && is_name_of(r->server, authority->host);
}

Refusal proxy_speaks_tls(const request_rec* r, const std::string& why, const std::string& origin) {
  std::string all = why + " (WebSocketOrigin Same). If a proxy in front speaks TLS, ServerName " +
                    origin + " says so";
  if (const std::string what = why_scheme_is_not_believed(r); !what.empty())
    all.append("; ").append(what);
  return {std::move(all), Cause::other_scheme};
}

Refusal client_without_tls(const std::string& why, const std::string& origin) {
  return {
      why +
          " (WebSocketOrigin Same): the same host without TLS. A page should be opened by https, "
          "and a client told its origin or to send none; WebSocketOrigin Same " +
          origin + " lets both in",
      Cause::other_scheme};
}

Refusal other_origin(const request_rec* r, std::string all, const Asking& asking) {
  const std::string cure = "WebSocketOrigin Same " + shortened(*asking.origin);
  if (protocol::are_loopback(*asking.origin, asking.host))
    return {all +
                " (WebSocketOrigin Same): 127.0.0.1 and localhost are two origins. The page should "
                "connect to the name by which it was opened, or " +
                cure + " lets it in",
            Cause::other_origin};
  if (may_be_of_proxy(r, *asking.origin))
    all.append(". If a proxy in front has sent Host: ")
        .append(shortened(asking.host))
        .append(" instead of the browser's, it should pass that on (httpd: ProxyPreserveHost On)");
  return {all + ". If its pages may connect, " + cure + " says so", Cause::other_origin};
}

// RFC 6455 §10.2 and Fetch Metadata (Sec-Fetch-Site), which no script can set.
std::optional<Refusal> judge(const request_rec* r, const OriginPolicy& policy,
                             const Asking& asking) {
  if (policy.any) return std::nullopt;
  if (!asking.origin) {
    if (asking.site && !equal_ignoring_case(*asking.site, "same-origin") &&
        !equal_ignoring_case(*asking.site, "none"))
      return Refusal{
          "a request without Origin that a page of another site has caused "
          "(Sec-Fetch-Site: " +
              shortened(*asking.site) + ") is not allowed, but by WebSocketOrigin Any",
          Cause::other_site};
    if (asking.always_with_origin || asking.host.empty() || is_own_host(r, asking.host))
      return std::nullopt;
    return unknown_name(r, "a request without Origin is not allowed", asking.host);
  }
  if (allows(r, policy, *asking.origin, asking.host)) return std::nullopt;
  const std::string origin = shortened(*asking.origin);
  std::string why =
      "origin " + origin + " is not allowed; expected is " + expected(r, policy, asking.host);
  if (!policy.same) return Refusal{why + " (WebSocketOrigin)", Cause::other_origin};
  if (protocol::is_same_origin(*asking.origin, asking.host, is_https(r)))
    return unknown_name(r, why + " (WebSocketOrigin Same)", asking.host);
  if (protocol::is_same_origin(*asking.origin, asking.host, true))
    return proxy_speaks_tls(r, why, origin);
  if (is_https(r) && protocol::is_same_origin(*asking.origin, asking.host, false))
    return client_without_tls(why, origin);
  return other_origin(r, why, asking);
}

bool is_refused(request_rec* r, const OriginPolicy& policy, const Asking& asking) {
  const auto refusal = judge(r, policy, asking);
  if (refusal) log_request(r, Child::current()->log_level_of(refusal->cause), "CWS0012: " + refusal->why);
  return refusal.has_value();
}

Asking asking_of(const protocol::HeaderFields& fields, bool always_with_origin) {
  return {.origin = fields.first("Origin"),
          .site = fields.first("Sec-Fetch-Site"),
          .host = fields.first("Host").value_or(""),
          .always_with_origin = always_with_origin};
}

}  // namespace

std::optional<int> refuse_other_pages(request_rec* r, const OriginPolicy& policy,
                                      const Asking& asking) {
  if (!is_refused(r, policy, asking)) return std::nullopt;
  return refuse(r, HTTP_FORBIDDEN,
                "Pages of this origin may not connect here (WebSocketOrigin); the server's error "
                "log says why.");
}

std::optional<int> refuse_other_pages(request_rec* r, const OriginPolicy& policy,
                                      const protocol::HeaderFields& fields, bool always_with_origin) {
  return refuse_other_pages(r, policy, asking_of(fields, always_with_origin));
}

bool refuses_other_pages(request_rec* r, const OriginPolicy& policy, const protocol::HeaderFields& fields,
                         bool always_with_origin) {
  return is_refused(r, policy, asking_of(fields, always_with_origin));
}

void add_cross_origin_headers(const OriginPolicy& policy, std::optional<std::string_view> origin,
                              std::vector<std::pair<std::string, std::string>>& headers) {
  // To any page, but then without what a browser knows of its user: no cookies, no passwords.
  if (policy.any) {
    headers.emplace_back("Access-Control-Allow-Origin", "*");
    return;
  }
  headers.emplace_back("Vary", "Origin");
  if (!origin) return;
  headers.emplace_back("Access-Control-Allow-Origin", *origin);
  headers.emplace_back("Access-Control-Allow-Credentials", "true");
}

}  // namespace cppwebsocket::httpd
