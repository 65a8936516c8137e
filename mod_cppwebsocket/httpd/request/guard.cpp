#include "httpd/request/guard.hpp"

#include "httpd/module.hpp"
#include "httpd/pool.hpp"

#include <apr_fnmatch.h>
#include <http_core.h>

namespace cppwebsocket::httpd {

namespace {

// As mod_authz_core.c begins what it has of a section: with what its Require and <Require…> have made. It tells nobody.
struct Authorization {
  const void* requirements;
};

bool is_around(request_rec* r, const core_dir_config* section, std::string_view path) {
  const char* const text = c_string_in(r->pool, path);
  if (section->r) return ap_regexec(section->r, text, 0, nullptr, 0) == 0;
  if (section->d_is_fnmatch) return apr_fnmatch(section->d, text, APR_FNM_PATHNAME) == APR_SUCCESS;
  const std::string_view location = view(section->d);
  return path.starts_with(location) &&
         (location.ends_with('/') || path.size() == location.size() || path[location.size()] == '/');
}

}  // namespace

bool has_require(request_rec* r, std::string_view path) {
  const module* const authorization = ap_find_linked_module("mod_authz_core.c");
  if (!authorization) return false;
  const auto* const server =
      static_cast<const core_server_config*>(ap_get_core_module_config(r->server->module_config));
  auto** const sections = reinterpret_cast<ap_conf_vector_t**>(server->sec_url->elts);
  for (int i = 0; i < server->sec_url->nelts; ++i) {
    const auto* const core = static_cast<const core_dir_config*>(ap_get_core_module_config(sections[i]));
    const auto* const its = static_cast<const Authorization*>(ap_get_module_config(sections[i], authorization));
    if (its && its->requirements && is_around(r, core, path)) return true;
  }
  return false;
}

}  // namespace cppwebsocket::httpd
