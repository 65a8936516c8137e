#include "httpd/child/start_up.hpp"

#include "httpd/child/backplane.hpp"
#include "httpd/child/client_counts.hpp"
#include "httpd/child/shared_channels.hpp"
#include "httpd/child/virtual_host.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"

#include <http_core.h>

#include <cerrno>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include <sys/mman.h>

namespace cppwebsocket::httpd {

namespace {

constexpr char product[] = "mod_cppwebsocket/" CPPWEBSOCKET_VERSION;

// What the children to come share with each other. The parent does not look at it again.
GenerationMemory* make_generation_memory(apr_pool_t* pool) {
  constexpr std::size_t size = sizeof(GenerationMemory);
  static_assert(std::atomic<bool>::is_always_lock_free);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  apr_pool_cleanup_register(
      pool, memory,
      [](void* mapped) -> apr_status_t {
        ::munmap(mapped, size);
        return APR_SUCCESS;
      },
      apr_pool_cleanup_null);
  return new (memory) GenerationMemory;
}

void complete(apr_pool_t* pool, server_rec* server) {
  ServerConfig& config = config_of(server);
  config.host = make_in<VirtualHost>(pool, server);
  if (!config.handler_root) return;
  auto* root = make_in<runtime::HandlerRoot>(pool);
  root->directory = config.handler_root;
  root->allow_outside = config.allow_handlers_outside_root.value_or(false);
  const auto* alias = reinterpret_cast<const Alias*>(config.aliases->elts);
  for (int i = 0; i < config.aliases->nelts; ++i) root->aliases[alias[i].path] = alias[i].resource;
  config.root = root;
}

std::vector<LogTarget> logs_of(server_rec* main_server) {
  std::vector<LogTarget> all;
  for (server_rec* server = main_server; server; server = server->next)
    if (const auto* logs = config_of(server).logs)
      for (int i = 0; i < logs->nelts; ++i) all.push_back(reinterpret_cast<const ConnectionLog*>(logs->elts)[i].target);
  return all;
}

void start_up(apr_pool_t* pool, server_rec* main_server) {
  std::set<std::string_view> roots;
  for (server_rec* server = main_server; server; server = server->next) {
    complete(pool, server);
    if (const auto* root = config_of(server).root) roots.insert(root->directory);
  }
  make_channel_memory(main_server);
  make_limit_memory(main_server);
  config_of(main_server).generation = make_generation_memory(pool);
  prepare_backplane(main_server);
  start_log_writer(pool, main_server, logs_of(main_server));
  ap_add_version_component(pool, product);
  log_server(main_server, APLOG_NOTICE,
             std::string("CWS0001: ") + product + " configured: " + std::to_string(roots.size()) +
                 (roots.size() == 1 ? " handler root" : " handler roots"));
}

}  // namespace

// As early as this, because the two modules have directives of the same names, and httpd would
// complain about those first.
int pre_config(apr_pool_t*, apr_pool_t*, apr_pool_t* ptemp) noexcept {
  if (!ap_find_linked_module("mod_websocket.c")) return OK;
  ap_log_perror(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, ptemp, "%s",
                "CWS0002: mod_websocket and mod_cppwebsocket cannot be loaded together: they have "
                "directives of the same names. Remove one LoadModule.");
  return HTTP_INTERNAL_SERVER_ERROR;
}

// In the rehearsal only if that is all there will be (httpd -t).
int check_config(apr_pool_t*, apr_pool_t*, apr_pool_t*, server_rec* main_server) noexcept {
  if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG &&
      ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_CONFIG_TEST)
    return OK;
  if (ap_find_linked_module("mpm_itk.c"))
    log_server(
        main_server, APLOG_WARNING,
        "CWS0060: mpm_itk is loaded, which forks a process for each connection: WebSockets, event "
        "streams and publishing will be refused. Use event, worker or prefork without it.");
  return OK;
}

int post_config(apr_pool_t* pconf, apr_pool_t*, apr_pool_t*, server_rec* main_server) noexcept {
  // At its start httpd reads the configuration twice; the first time is a rehearsal.
  if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) return OK;
  try {
    start_up(pconf, main_server);
    return OK;
  } catch (const std::exception& error) {
    log_server(main_server, APLOG_ERR, std::string("CWS0007: start-up failed: ") + error.what());
    return HTTP_INTERNAL_SERVER_ERROR;
  }
}

}  // namespace cppwebsocket::httpd
