#include "httpd/content_handler.hpp"

#include "httpd/child/background.hpp"
#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/endpoints/administration.hpp"
#include "httpd/endpoints/channels.hpp"
#include "httpd/endpoints/client.hpp"
#include "httpd/endpoints/end_point.hpp"
#include "httpd/endpoints/metrics.hpp"
#include "httpd/endpoints/opening_handshake.hpp"
#include "httpd/endpoints/publish.hpp"
#include "httpd/endpoints/subscribe.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/answer.hpp"
#include "httpd/request/capture.hpp"
#include "httpd/request/rewriting.hpp"

#include <http_request.h>

#include <string>
#include <utility>

namespace cppwebsocket::httpd {

namespace {

// --- is it ours? --------------------------------------------------------------------------------

bool has_upgrade(const request_rec* r) noexcept {
  return apr_table_get(r->headers_in, "Upgrade") != nullptr;
}

// An ErrorDocument is answered for a request that was refused: that it is at /echo must not open
// a WebSocket there.
bool is_error_document(const request_rec* r) noexcept {
  while ((r = r->prev))
    if (r->status != HTTP_OK) return true;
  return false;
}

bool may_be_ours(const request_rec* r) noexcept {
  return r->method_number == M_GET && !r->header_only && !r->main && has_upgrade(r) &&
         r->proxyreq != PROXYREQ_PROXY && !is_error_document(r);
}

std::shared_ptr<const runtime::Handler> find_handler(request_rec* r, Child& child,
                                                     const runtime::HandlerRoot& root) {
  const runtime::Lookup found = child.runtime().handlers().find(root, path_of(r));
  if (!found.problem.empty() && found.newly_seen)
    log_request(r, APLOG_ERR, text_of_problem(found));
  return found.handler;
}

bool is_ours(request_rec* r, Child& child) {
  const runtime::HandlerRoot* root = config_of(r->server).root;
  return end_point_of(r) != EndPoint::none || (root && find_handler(r, child, *root));
}

// An existing handler and an end point are to the rules of a directory what an existing file is:
// those of a front controller (WordPress, Laravel and the like have all that is no file answered by
// index.php) do not mean it. A rule that leads to one of ours does. Where it leads is asked of
// httpd.
bool leads_to_ours(request_rec* r, Child& child) {
  constexpr int most_rules = 10;  // one behind the other, as httpd's LimitInternalRecursion
  request_rec* first = nullptr;
  bool found = false;
  for (int i = 0; i < most_rules && !found; ++i) {
    const char* const target = rewritten_target_of(r);
    if (!target) break;
    r = ap_sub_req_lookup_uri(target, r, nullptr);
    if (!first) first = r;
    found = is_ours(r, child);
  }
  if (first) ap_destroy_sub_req(first);
  return found;
}

// What would answer has no threads here, and its part of the channels' memory is another process's.
int refuse_elsewhere(request_rec* r) {
  log_request(
      r, APLOG_ERR,
      "CWS0060: refused, because this process was forked for one connection (mpm_itk), without "
      "the threads that serve WebSockets: use the MPM event, worker or prefork without mpm_itk");
  return refuse(
      r, HTTP_NOT_IMPLEMENTED,
      "This server has a process for each connection, in which WebSockets, event streams and "
      "channels are not served.");
}

int answer_by_file(request_rec* r, Child& child) {
  const runtime::HandlerRoot* root = config_of(r->server).root;
  if (!root || !may_be_ours(r)) return DECLINED;
  const auto headers = headers_of(r);
  if (!protocol::wants_websocket(opening_request_of(r, headers))) return DECLINED;
  auto handler = find_handler(r, child, *root);
  if (!handler || leads_to_ours(r, child)) return DECLINED;
  if (child.is_elsewhere()) return refuse_elsewhere(r);
  take_back_rewriting(r, nullptr);
  return open_websocket(r, child, headers, {std::move(handler), path_of(r), {}});
}

int answer(request_rec* r) {
  Child* child = Child::current();
  if (!child) return DECLINED;
  const EndPoint end_point = end_point_of(r);
  if (end_point == EndPoint::none) return answer_by_file(r, *child);
  if (r->main || is_error_document(r) || leads_to_ours(r, *child)) return DECLINED;
  if (child->is_elsewhere()) return refuse_elsewhere(r);
  take_back_rewriting(r, name_of(end_point));
  if (end_point == EndPoint::client) return serve_client(r, path_of(r));
  if (end_point == EndPoint::metrics) return serve_metrics(r);
  const auto headers = headers_of(r);
  if (end_point == EndPoint::admin || end_point == EndPoint::dashboard)
    return serve_administration(r, *child, headers, path_of(r), end_point == EndPoint::dashboard);
  if (end_point == EndPoint::channels) return serve_channels(r, *child, headers, path_of(r));
  return end_point == EndPoint::publish ? publish(r, headers, path_of(r))
                                        : subscribe(r, *child, headers, path_of(r));
}

// If the 101 is out already, no error page can follow it.
int fail(request_rec* r, const char* what) noexcept {
  log_request(r, APLOG_ERR, apr_pstrcat(r->pool, "CWS0006: internal error: ", what, nullptr));
  return r->eos_sent ? drop(r) : HTTP_INTERNAL_SERVER_ERROR;
}

// A proxy that does not know of WebSockets leaves out what is for it alone, as RFC 9110 §7.6.1 has
// it. Over HTTP/2 there is nothing to upgrade.
int ask_for_upgrade(request_rec* r) {
  Child* child = Child::current();
  const bool answers = child && !child->is_elsewhere();
  const runtime::HandlerRoot* root = answers ? config_of(r->server).root : nullptr;
  if (!root || r->method_number != M_GET || r->main || r->connection->master ||
      r->proxyreq != PROXYREQ_NONE || r->finfo.filetype != APR_NOFILE || has_upgrade(r) ||
      is_error_document(r) || !find_handler(r, *child, *root))
    return DECLINED;
  const std::pair<std::string, std::string> upgrade[] = {{"Upgrade", "websocket"}};
  return refuse(r, HTTP_UPGRADE_REQUIRED,
                "This is the address of a WebSocket. The request has come without Upgrade: "
                "websocket; if a browser sent it, a proxy in between has left that out.",
                upgrade);
}

}  // namespace

int answer_plain_request(request_rec* r) noexcept {
  try {
    return ask_for_upgrade(r);
  } catch (const std::exception& error) {
    return fail(r, error.what());
  } catch (...) {
    return fail(r, "unknown exception");
  }
}

int answer_request(request_rec* r) noexcept {
  try {
    return answer(r);
  } catch (const std::exception& error) {
    return fail(r, error.what());
  } catch (...) {
    return fail(r, "unknown exception");
  }
}

}  // namespace cppwebsocket::httpd
