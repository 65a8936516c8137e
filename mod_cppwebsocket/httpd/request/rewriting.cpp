#include "httpd/request/rewriting.hpp"

#include "httpd/module.hpp"
#include "httpd/pool.hpp"

namespace cppwebsocket::httpd {

namespace {

constexpr std::string_view redirect_handler = "redirect-handler";  // mod_rewrite's
constexpr std::string_view redirect_scheme = "redirect:";

struct NotedRequest {
  char* uri;
  char* filename;
  char* args;  // rules with a query replace it
  int proxyreq;
};

const NotedRequest* noted_of(const request_rec* r) noexcept {
  return static_cast<const NotedRequest*>(
      ap_get_module_config(r->request_config, &cppwebsocket_module));
}

}  // namespace

int note_request(request_rec* r) noexcept {
  ap_set_module_config(r->request_config, &cppwebsocket_module,
                       make_in<NotedRequest>(r->pool, r->uri, r->filename, r->args, r->proxyreq));
  return DECLINED;
}

std::string_view path_of(const request_rec* r) noexcept {
  const NotedRequest* const noted = noted_of(r);
  return view(noted ? noted->uri : r->uri);
}

bool is_rewritten(const request_rec* r) noexcept {
  const NotedRequest* const noted = noted_of(r);
  return noted && (view(r->handler) == redirect_handler || r->proxyreq != noted->proxyreq);
}

const char* rewritten_target_of(const request_rec* r) noexcept {
  if (view(r->handler) != redirect_handler || !view(r->filename).starts_with(redirect_scheme))
    return nullptr;
  const char* const path = r->filename + redirect_scheme.size();
  return r->args ? apr_pstrcat(r->pool, path, "?", r->args, nullptr) : path;
}

void take_back_rewriting(request_rec* r, const char* handler) noexcept {
  if (!is_rewritten(r)) return;
  const NotedRequest& noted = *noted_of(r);
  r->handler = handler;
  r->filename = noted.filename;
  r->args = noted.args;
  r->proxyreq = noted.proxyreq;
}

}  // namespace cppwebsocket::httpd
