// What is written of connections that have ended.
#include "httpd/configuration/directive.hpp"
#include "httpd/connection_log/format.hpp"
#include "httpd/pool.hpp"

#include <apr_file_info.h>

#include <string>

namespace cppwebsocket::httpd {

namespace {

bool is_directory(cmd_parms* command, const std::string& path) {
  apr_finfo_t info;
  return apr_stat(&info, path.c_str(), APR_FINFO_TYPE, command->temp_pool) == APR_SUCCESS && info.filetype == APR_DIR;
}

// Null: it is none. The configuration is read in "/", the second time, so that a path has to be absolute by then.
const char* place_of(cmd_parms* command, const char* argument) {
  if (*argument == '|') return argument[1] ? apr_pstrdup(command->pool, argument) : nullptr;
  const char* const path = *argument ? ap_server_root_relative(command->pool, argument) : nullptr;
  if (!path || is_directory(command, path)) return nullptr;
  const std::string directory = std::string(path).substr(0, std::string(path).rfind('/') + 1);
  return is_directory(command, directory) ? path : nullptr;
}

const char* connection_log(cmd_parms* command, void*, const char* where, const char* format) {
  auto& logs = config_of(command->server).logs;
  if (!logs) logs = apr_array_make(command->pool, 1, sizeof(ConnectionLog));
  if (equal_ignoring_case(where, "none") && !format) {
    logs->nelts = 0;
    return nullptr;
  }
  const char* const place = place_of(command, where);
  if (!place)
    return wrong(command, "a file in a directory that exists (relative to ServerRoot), \"|program\", or None", where);
  const auto* const parsed = make_in<LogFormat>(command->pool, format ? format : LogFormat::usual);
  *static_cast<ConnectionLog*>(apr_array_push(logs)) = {{place, log_id(place)}, parsed};
  return nullptr;
}

}  // namespace

Rows log_directives() {
  static const command_rec rows[] = {
      take12<connection_log>("WebSocketLog", server,
                             "A file or \"|program\" that gets a line for each connection that has ended, and the line's "
                             "format, or json; or None (the default)"),
  };
  return rows;
}

}  // namespace cppwebsocket::httpd
