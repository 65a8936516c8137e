// Where handlers are, and by which ways they are reached.
#include "httpd/configuration/directive.hpp"
#include "httpd/pool.hpp"
#include "runtime/handlers/library.hpp"

#include <apr_file_info.h>

#include <cstring>

namespace cppwebsocket::httpd {

namespace {

const char* handler_root(cmd_parms* command, void*, const char* argument) {
  char* path = ap_server_root_relative(command->pool, argument);
  apr_finfo_t info;
  if (!path || apr_stat(&info, path, APR_FINFO_TYPE, command->temp_pool) != APR_SUCCESS ||
      info.filetype != APR_DIR)
    return wrong(command, "a directory that exists (relative to ServerRoot)", argument);
  for (std::size_t size = std::strlen(path); size > 1 && path[size - 1] == '/';) path[--size] = 0;
  config_of(command->server).handler_root = path;
  return nullptr;
}

const char* handler_copies(cmd_parms* command, void*, const char* argument) {
  const char* const path =
      equal_ignoring_case(argument, "none") ? "" : ap_server_root_relative(command->pool, argument);
  if (!path || *argument == 0)
    return wrong(command, "a directory (relative to ServerRoot), or None", argument);
  config_of(command->server).child.handler_copies = path;
  return nullptr;
}

const char* alias(cmd_parms* command, void*, const char* path, const char* resource) {
  if (path[0] != '/')
    return wrong(command, "a path that begins with '/', then the resource that answers it", path);
  if (runtime::handler_file_of({}, resource).empty())
    return wrong(command, "as its second argument a resource such as /echo or /foo/bar", resource);
  auto& added = *static_cast<Alias*>(apr_array_push(config_of(command->server).aliases));
  added = {apr_pstrdup(command->pool, path), apr_pstrdup(command->pool, resource)};
  return nullptr;
}

const char* http2(cmd_parms* command, void* config, const char* argument) {
  ap_version_t running;
  ap_get_server_revision(&running);
  if (parse_switch(argument).value_or(false) &&
      (running.major * 100 + running.minor) * 1000 + running.patch < 204'060)
    return apr_psprintf(command->pool, "%s On needs httpd 2.4.60 or later; this is %d.%d.%d",
                        command->cmd->name, running.major, running.minor, running.patch);
  return on_or_off<&ServerConfig::http2>(command, config, argument);
}

}  // namespace

Rows handler_directives() {
  static const command_rec rows[] = {
      take1<handler_root>("WebSocketHandlerRoot", server,
                          "The directory whose NAME_wsh.so files answer ws://host/NAME (default: "
                          "none, no handlers)"),
      take2<alias>("WebSocketAlias", server,
                   "A path, and the resource whose handler answers it, too"),
      take1<on_or_off<&ServerConfig::allow_handlers_outside_root>>(
          "WebSocketAllowHandlersOutsideRoot", server,
          "On: symbolic links in WebSocketHandlerRoot may lead out of it; or Off "
          "(the default)"),
      take1<handler_copies>("WebSocketHandlerCopies", global,
                            "Where children keep the copies of handlers that they load (default: "
                            "/var/cache/cppwebsocket); or None: in memory"),
      take1<http2>("WebSocketHTTP2", server,
                   "On: serve WebSockets over HTTP/2, too (needs H2WebSockets On); or Off (the "
                   "default)"),
  };
  return rows;
}

}  // namespace cppwebsocket::httpd
