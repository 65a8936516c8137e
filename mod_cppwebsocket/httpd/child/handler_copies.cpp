#include "httpd/child/handler_copies.hpp"

#include "httpd/child/start_hold.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"
#include "runtime/handlers/copy_directory.hpp"

#include <apr_strings.h>
#include <unixd.h>

#include <exception>
#include <string>

#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

bool has_handlers(server_rec* server) noexcept {
  while (server && !config_of(server).root) server = server->next;
  return server;
}

std::string in_memory(std::string_view why) {
  return "CWS0072: handlers are loaded from memory, where debuggers, profilers and core files do "
         "not find them: " +
         std::string(why) + "; WebSocketHandlerCopies names another directory, or None";
}

}  // namespace

int make_handler_copies(apr_pool_t* pool, server_rec* main_server) noexcept {
  const StartHold hold;
  ServerConfig& config = config_of(main_server);
  const char* const wanted = config.child.handler_copies;
  const char* const directory = wanted ? wanted : default_handler_copies;
  if (*directory == 0 || !has_handlers(main_server)) return OK;
  const bool is_root = ::geteuid() == 0;
  try {
    config.copies = new runtime::CopyDirectory(  // it goes with the process
        directory, is_root ? ap_unixd_config.user_id : static_cast<uid_t>(-1),
        is_root ? ap_unixd_config.group_id : static_cast<gid_t>(-1));
    config.copies->set_report([main_server](std::string_view why) {
      log_server(main_server, APLOG_WARNING, in_memory(why));
    });
  } catch (const std::exception& error) {
    config.copies = nullptr;
    config.no_copies = apr_pstrdup(pool, error.what());
  }
  return OK;
}

void tell_of_handler_copies(server_rec* main_server) {
  const ServerConfig& config = config_of(main_server);
  if (config.no_copies)
    log_server(main_server, config.child.handler_copies ? APLOG_WARNING : APLOG_NOTICE,
               in_memory(config.no_copies));
}

}  // namespace cppwebsocket::httpd
