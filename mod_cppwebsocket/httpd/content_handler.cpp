#include "httpd/content_handler.hpp"

#include "httpd/request/answer.hpp"
#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/endpoints/end_point.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/endpoints/opening_handshake.hpp"
#include "httpd/pool.hpp"
#include "httpd/endpoints/publish.hpp"
#include "httpd/request/capture.hpp"
#include "httpd/endpoints/subscribe.hpp"

#include <string>

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

// RewriteRule in a <Directory> asks for another path by way of a handler, which is still to run.
bool is_rewritten(const request_rec* r) noexcept { return view(r->handler) == "redirect-handler"; }

bool may_be_ours(const request_rec* r) noexcept {
  return r->method_number == M_GET && !r->header_only && !r->main && has_upgrade(r) &&
         r->proxyreq != PROXYREQ_PROXY && !is_error_document(r) && !is_rewritten(r);
}

std::string_view path_of(const request_rec* r) noexcept {
  const auto* noted =
      static_cast<const char*>(ap_get_module_config(r->request_config, &cppwebsocket_module));
  return view(noted ? noted : r->uri);
}

std::shared_ptr<const runtime::Handler> find_handler(request_rec* r, Child& child,
                                                     const runtime::HandlerRoot& root) {
  const runtime::Lookup found = child.runtime().handlers().find(root, path_of(r));
  if (!found.problem.empty() && found.newly_seen)
    log_request(r, APLOG_ERR,
                found.handler
                    ? "CWS0029: handler " + found.file + ": the previous version goes on " +
                          "serving, because this one is not used: " + found.problem
                    : "CWS0005: handler " + found.file + " is not used: " + found.problem);
  return found.handler;
}

int answer_by_file(request_rec* r, Child& child) {
  const runtime::HandlerRoot* root = config_of(r->server).root;
  if (!root || !may_be_ours(r)) return DECLINED;
  const auto headers = headers_of(r);
  if (!protocol::wants_websocket(opening_request_of(r, headers))) return DECLINED;
  auto handler = find_handler(r, child, *root);
  if (!handler) return DECLINED;
  return open_websocket(r, child, headers, {std::move(handler), path_of(r), {}});
}

int answer(request_rec* r) {
  Child* child = Child::current();
  if (!child) return DECLINED;
  const EndPoint end_point = end_point_of(r);
  if (end_point == EndPoint::none) return answer_by_file(r, *child);
  if (r->main || is_error_document(r)) return DECLINED;
  const auto headers = headers_of(r);
  return end_point == EndPoint::publish ? publish(r, headers, path_of(r))
                                        : subscribe(r, *child, headers, path_of(r));
}

// If the 101 is out already, no error page can follow it.
int fail(request_rec* r, const char* what) noexcept {
  log_request(r, APLOG_ERR, apr_pstrcat(r->pool, "CWS0006: internal error: ", what, nullptr));
  return r->eos_sent ? drop(r) : HTTP_INTERNAL_SERVER_ERROR;
}

}  // namespace

// After the URI is translated and its sections are merged. What mod_negotiation, mod_dir
// (DirectoryIndex, FallbackResource) and the like do later to r->uri is about files, and they do it
// without a new request.
int note_path(request_rec* r) noexcept {
  ap_set_module_config(r->request_config, &cppwebsocket_module, r->uri);
  return DECLINED;
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
