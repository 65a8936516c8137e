#include "httpd/ask/tls_facts.hpp"

#include "httpd/module.hpp"
#include "httpd/pool.hpp"

#include <ap_expr.h>
#include <ap_provider.h>
#include <http_config.h>
#include <http_core.h>
#include <http_ssl.h>
#include <mod_auth.h>

#include <algorithm>
#include <mutex>

namespace cppwebsocket::httpd {

namespace {

constexpr std::string_view prefix = "SSL_";
constexpr std::size_t most_variables = 64;

thread_local const TlsFacts* facts_in_use = nullptr;
thread_local const conn_rec* asked_connection = nullptr;

const TlsFacts* facts_of(const conn_rec* c) noexcept {
  return c && c == asked_connection ? facts_in_use : nullptr;
}

// What expressions have named since httpd was started: an .htaccess file may bring more at any time.
class VariableNames {
 public:
  void note(std::string_view name) {
    const std::lock_guard lock(mutex_);
    if (names_.size() < most_variables && std::find(names_.begin(), names_.end(), name) == names_.end())
      names_.emplace_back(name);
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return names_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> names_;
};
VariableNames& variable_names() {
  static VariableNames names;
  return names;
}

// --- expressions --------------------------------------------------------------------------------

struct Variable {
  const char* name;
  ap_expr_var_func_t* function;  // mod_ssl's
  const void* data;
};

const char* evaluate_variable(ap_expr_eval_ctx_t* context, const void* data) noexcept {
  const auto& variable = *static_cast<const Variable*>(data);
  const TlsFacts* const facts = facts_of(context->c);
  if (!facts) return variable.function(context, variable.data);
  for (const auto& [name, value] : facts->variables)
    if (name == variable.name) return value.c_str();
  return nullptr;
}

// In front of mod_ssl's, whose answer it keeps for all other connections.
int look_up_variable(ap_expr_lookup_parms* parms) noexcept {
  if (parms->type != AP_EXPR_FUNC_VAR || !view(parms->name).starts_with(prefix)) return DECLINED;
  const apr_array_header_t* const hooks = ap_hook_get_expr_lookup();
  int status = DECLINED;
  for (int i = 0; status == DECLINED && i < hooks->nelts; ++i) {
    const auto& hook = reinterpret_cast<const ap_LINK_expr_lookup_t*>(hooks->elts)[i];
    if (hook.pFunc != look_up_variable) status = hook.pFunc(parms);
  }
  if (status != OK) return status;
  try {
    variable_names().note(parms->name);
  } catch (const std::exception&) {  // it is empty then when it is asked about
  }
  *parms->data = make_in<Variable>(parms->pool, apr_pstrdup(parms->pool, parms->name),
                                   reinterpret_cast<ap_expr_var_func_t*>(const_cast<void*>(*parms->func)), *parms->data);
  *parms->func = reinterpret_cast<const void*>(evaluate_variable);
  return OK;
}

// --- Require ssl, Require ssl-verify-client -------------------------------------------------------

constexpr char ssl_name[] = "ssl";
constexpr char verify_name[] = "ssl-verify-client";
const authz_provider* mod_ssls_ssl = nullptr;  // set while the configuration is read
const authz_provider* mod_ssls_verify = nullptr;

authz_status word_of(bool is_so) noexcept { return is_so ? AUTHZ_GRANTED : AUTHZ_DENIED; }

authz_status check_ssl(request_rec* r, const char* line, const void* parsed) noexcept {
  const TlsFacts* const facts = facts_of(r->connection);
  return facts ? word_of(facts->is_tls) : mod_ssls_ssl->check_authorization(r, line, parsed);
}
authz_status check_verify(request_rec* r, const char* line, const void* parsed) noexcept {
  const TlsFacts* const facts = facts_of(r->connection);
  return facts ? word_of(facts->is_verified) : mod_ssls_verify->check_authorization(r, line, parsed);
}
const char* parse_ssl(cmd_parms* command, const char* line, const void** parsed) noexcept {
  return mod_ssls_ssl->parse_require_line ? mod_ssls_ssl->parse_require_line(command, line, parsed) : nullptr;
}
const char* parse_verify(cmd_parms* command, const char* line, const void** parsed) noexcept {
  return mod_ssls_verify->parse_require_line ? mod_ssls_verify->parse_require_line(command, line, parsed) : nullptr;
}

void stand_in_front(apr_pool_t* pconf, const char* name, const authz_provider*& before, const authz_provider& ours) noexcept {
  const void* const found = ap_lookup_provider(AUTHZ_PROVIDER_GROUP, name, AUTHZ_PROVIDER_VERSION);
  if (!found || found == &ours) return;
  before = static_cast<const authz_provider*>(found);
  ap_register_provider(pconf, AUTHZ_PROVIDER_GROUP, name, AUTHZ_PROVIDER_VERSION, &ours);
}

// Between the hooks of all modules, in which they register theirs, and the first Require.
int take_over_providers(apr_pool_t* pconf, apr_pool_t*, apr_pool_t*) noexcept {
  static const authz_provider ssl{check_ssl, parse_ssl};
  static const authz_provider verify{check_verify, parse_verify};
  stand_in_front(pconf, ssl_name, mod_ssls_ssl, ssl);
  stand_in_front(pconf, verify_name, mod_ssls_verify, verify);
  return OK;
}

const module* mod_ssl() noexcept { return ap_find_linked_module("mod_ssl.c"); }

}  // namespace

TlsFacts tls_facts_of(request_rec* r) {
  TlsFacts facts;
  conn_rec* const c = r->connection;
  facts.is_tls = mod_ssl() && ap_ssl_conn_is_ssl(c);
  if (!facts.is_tls) return facts;
  const auto value_of = [&](const char* name) { return view(ap_ssl_var_lookup(r->pool, r->server, c, r, name)); };
  facts.is_verified = value_of("SSL_CLIENT_VERIFY") == "SUCCESS";
  for (std::string& name : variable_names().all())
    if (const std::string_view value = value_of(name.c_str()); !value.empty())
      facts.variables.emplace_back(std::move(name), value);
  return facts;
}

TlsFactsInUse::TlsFactsInUse(const TlsFacts& facts, const conn_rec* c) noexcept {
  facts_in_use = &facts;
  asked_connection = c;
}
TlsFactsInUse::~TlsFactsInUse() {
  facts_in_use = nullptr;
  asked_connection = nullptr;
}

// Where none does, its configuration there is the host's.
bool has_tls_rules(const request_rec* r) noexcept {
  const module* const ssl = mod_ssl();
  return ssl && ap_get_module_config(r->per_dir_config, ssl) != ap_get_module_config(r->server->lookup_defaults, ssl);
}

void set_aside_tls_rules(request_rec* r) noexcept {
  if (!has_tls_rules(r)) return;
  ap_conf_vector_t* const own = ap_create_request_config(r->pool);  // an empty one, for any use
  for (const module* each = ap_top_module; each; each = each->next)
    ap_set_module_config(own, each, ap_get_module_config(r->per_dir_config, each));
  ap_set_module_config(own, mod_ssl(), ap_get_module_config(r->server->lookup_defaults, mod_ssl()));
  r->per_dir_config = own;
}

void register_tls_facts() noexcept {
  ap_hook_pre_config(take_over_providers, nullptr, nullptr, APR_HOOK_LAST);
  ap_hook_expr_lookup(look_up_variable, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
}

}  // namespace cppwebsocket::httpd
