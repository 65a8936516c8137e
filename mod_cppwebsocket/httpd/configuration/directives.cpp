// Each directive checks its arguments completely, so that `httpd -t` finds every mistake, and an
// error names what is accepted.
#include "httpd/configuration/directives.hpp"

#include "channels/backplane/engine.hpp"
#include "httpd/child/backplane.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/configuration/values.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "protocol/opening/handshake.hpp"

#include <apr_file_info.h>
#include <apr_strings.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace cppwebsocket::httpd {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t most_bytes = 1ULL << 30;
constexpr milliseconds longest_time = std::chrono::hours(1000);

ServerConfig& server_config(cmd_parms* command) { return config_of(command->server); }
DirectoryConfig& directory_config(void* config) { return *static_cast<DirectoryConfig*>(config); }

// "WebSocketX takes <accepted>, not "<given>""
const char* wrong(cmd_parms* command, const char* accepted, const char* given) {
  return apr_pstrcat(command->pool, command->cmd->name, " takes ", accepted, ", not \"", given,
                     "\"", nullptr);
}

// What httpd calls: no exception passes.
template <auto function, typename... Arguments>
const char* guarded(cmd_parms* command, void* config, Arguments... arguments) noexcept {
  try {
    return function(command, config, arguments...);
  } catch (const std::exception& error) {
    return apr_pstrcat(command->pool, command->cmd->name, ": ", error.what(), nullptr);
  }
}

// --- where handlers are ------------------------------------------------------------------------

const char* handler_root(cmd_parms* command, void*, const char* argument) {
  char* path = ap_server_root_relative(command->pool, argument);
  apr_finfo_t info;
  if (!path || apr_stat(&info, path, APR_FINFO_TYPE, command->temp_pool) != APR_SUCCESS ||
      info.filetype != APR_DIR)
    return wrong(command, "a directory that exists (relative to ServerRoot)", argument);
  for (std::size_t size = std::strlen(path); size > 1 && path[size - 1] == '/';) path[--size] = 0;
  server_config(command).handler_root = path;
  return nullptr;
}

const char* alias(cmd_parms* command, void*, const char* path, const char* resource) {
  if (path[0] != '/')
    return wrong(command, "a path that begins with '/', then the resource that answers it", path);
  if (runtime::handler_file_of({}, resource).empty())
    return wrong(command, "as its second argument a resource such as /echo or /foo/bar", resource);
  auto& added = *static_cast<Alias*>(apr_array_push(server_config(command).aliases));
  added = {apr_pstrdup(command->pool, path), apr_pstrdup(command->pool, resource)};
  return nullptr;
}

const char* allow_outside(cmd_parms* command, void*, const char* argument) {
  const auto on = parse_switch(argument);
  if (!on) return wrong(command, "On or Off", argument);
  server_config(command).allow_handlers_outside_root = *on;
  return nullptr;
}

const char* http2(cmd_parms* command, void*, const char* argument) {
  const auto on = parse_switch(argument);
  if (!on) return wrong(command, "On or Off", argument);
  ap_version_t running;
  ap_get_server_revision(&running);
  if (*on && (running.major * 100 + running.minor) * 1000 + running.patch < 204'060)
    return apr_psprintf(command->pool, "%s On needs httpd 2.4.60 or later; this is %d.%d.%d",
                        command->cmd->name, running.major, running.minor, running.patch);
  server_config(command).http2 = *on;
  return nullptr;
}

// --- per directory -----------------------------------------------------------------------------

const char* origin(cmd_parms* command, void* config, int count, char* const arguments[]) {
  constexpr const char* accepted =
      "Same, Any, or a list of Same and serialized origins: scheme://host or scheme://host:port "
      "without a path, or null";
  if (count == 0) return wrong(command, accepted, "");
  OriginPolicy policy;
  policy.same = false;
  auto** listed = static_cast<const char**>(
      apr_palloc(command->pool, sizeof(char*) * static_cast<std::size_t>(count)));
  std::size_t size = 0;
  for (int i = 0; i < count; ++i) {
    const char* argument = arguments[i];
    if (equal_ignoring_case(argument, "same"))
      policy.same = true;
    else if (equal_ignoring_case(argument, "any") && count == 1)
      policy.any = true;
    else if (protocol::is_origin(argument, argument))  // it is one if it equals itself
      listed[size++] = apr_pstrdup(command->pool, argument);
    else
      return wrong(command, accepted, argument);
  }
  policy.listed = {listed, size};
  directory_config(config).origin = policy;
  return nullptr;
}

const char* legacy_protocols(cmd_parms* command, void* config, const char* argument) {
  const auto on = parse_switch(argument);
  if (!on) return wrong(command, "On or Off", argument);
  directory_config(config).legacy_protocols = *on;
  return nullptr;
}

template <std::optional<std::size_t> DirectoryConfig::*member>
const char* bytes(cmd_parms* command, void* config, const char* argument) {
  const auto number = parse_bytes(argument);
  if (!number || *number < 1 || *number > most_bytes)
    return wrong(command, "a number of bytes from 1 to 1G, with an optional suffix K, M or G",
                 argument);
  directory_config(config).*member = *number;
  return nullptr;
}

template <std::optional<milliseconds> DirectoryConfig::*member, bool may_be_off>
const char* time(cmd_parms* command, void* config, const char* argument) {
  auto& value = directory_config(config).*member;
  if (may_be_off && equal_ignoring_case(argument, "off")) {
    value = milliseconds(0);
    return nullptr;
  }
  const auto given = parse_time(argument);
  if (!given || given->count() < 1 || *given > longest_time)
    return wrong(command,
                 may_be_off ? "a time from 1ms to 1000h (units ms, s, min, h; seconds without), "
                              "or Off"
                            : "a time from 1ms to 1000h (units ms, s, min, h; seconds without)",
                 argument);
  value = *given;
  return nullptr;
}

// Takes one NAME=VALUE of WebSocketCompression; false if it is none.
bool set_compression_option(std::string_view option, protocol::DeflatePolicy& policy) {
  const std::size_t equals = option.find('=');
  if (equals == option.npos) return false;
  const std::string_view name = option.substr(0, equals);
  const std::string_view value = option.substr(equals + 1);
  if (equal_ignoring_case(name, "context-takeover")) {
    const auto on = parse_switch(value);
    policy.context_takeover = on.value_or(false);
    return on.has_value();
  }
  const auto number =
      equal_ignoring_case(name, "min-size") ? parse_bytes(value) : parse_number(value);
  if (!number) return false;
  if (equal_ignoring_case(name, "level")) {
    policy.level = static_cast<int>(*number);
    return *number >= 1 && *number <= 9;
  }
  if (equal_ignoring_case(name, "window-bits")) {
    policy.server_max_window_bits = policy.client_max_window_bits = static_cast<int>(*number);
    return *number >= 9 && *number <= 15;  // 8 is in RFC 7692, but zlib cannot
  }
  policy.min_size = *number;
  return equal_ignoring_case(name, "min-size") && *number <= most_bytes;
}

const char* compression(cmd_parms* command, void* config, int count, char* const arguments[]) {
  constexpr const char* accepted =
      "Off, or On with any of context-takeover=on|off, level=1-9, window-bits=9-15, "
      "min-size=BYTES (at most 1G)";
  const auto on = count == 0 ? std::nullopt : parse_switch(arguments[0]);
  if (!on) return wrong(command, accepted, count == 0 ? "" : arguments[0]);
  protocol::DeflatePolicy policy;
  policy.enabled = *on;
  for (int i = 1; i < count; ++i)
    if (!*on || !set_compression_option(arguments[i], policy))
      return wrong(command, accepted, arguments[i]);
  directory_config(config).compression = policy;
  return nullptr;
}

const char* channel(cmd_parms* command, void* config, int count, char* const arguments[]) {
  if (count == 0) return wrong(command, "names of channels, or expressions that give them", "");
  auto** expressions = static_cast<ap_expr_info_t**>(
      apr_palloc(command->pool, sizeof(ap_expr_info_t*) * static_cast<std::size_t>(count)));
  for (int i = 0; i < count; ++i) {
    const char* error = nullptr;
    expressions[i] =
        ap_expr_parse_cmd(command, arguments[i], AP_EXPR_FLAG_STRING_RESULT, &error, nullptr);
    if (error)
      return apr_pstrcat(command->pool, command->cmd->name, ": cannot read \"", arguments[i],
                         "\": ", error, nullptr);
  }
  directory_config(config).channels = {expressions, static_cast<std::size_t>(count)};
  return nullptr;
}

const char* channel_history(cmd_parms* command, void* config, const char* messages,
                            const char* time) {
  constexpr const char* accepted =
      "a number of messages from 0 to 1000000, and a time from 1s to 1000h (units s, min, h; "
      "seconds without)";
  const auto number = parse_number(messages);
  if (!number || *number > 1'000'000) return wrong(command, accepted, messages);
  ChannelOptions options;
  options.history = static_cast<std::uint32_t>(*number);
  if (time) {
    const auto given = parse_time(time);
    if (!given || *given < std::chrono::seconds(1) || *given > longest_time)
      return wrong(command, accepted, time);
    options.history_time = std::chrono::ceil<std::chrono::seconds>(*given);
  }
  directory_config(config).channel_options = options;
  return nullptr;
}

// --- global ------------------------------------------------------------------------------------

const char* set_count(cmd_parms* command, const char* argument, std::uint64_t most,
                      const char* accepted, std::optional<std::size_t>& value) {
  if (const char* error = ap_check_cmd_context(command, GLOBAL_ONLY)) return error;
  const auto number = parse_number(argument);
  if (!number || *number < 1 || *number > most) return wrong(command, accepted, argument);
  value = *number;
  return nullptr;
}

const char* threads(cmd_parms* command, void*, const char* argument) {
  return set_count(command, argument, 64, "a number from 1 to 64",
                   server_config(command).child.threads);
}

const char* blocking_threads(cmd_parms* command, void*, const char* argument) {
  return set_count(command, argument, 4096, "a number from 1 to 4096",
                   server_config(command).child.blocking_threads);
}

const char* channel_memory_size(cmd_parms* command, void*, const char* argument) {
  if (const char* error = ap_check_cmd_context(command, GLOBAL_ONLY)) return error;
  const auto bytes = parse_bytes(argument);
  if (!bytes || *bytes < least_channel_memory || *bytes > most_channel_memory)
    return wrong(command, "bytes from 1M to 64G", argument);
  server_config(command).child.channel_memory = *bytes;
  return nullptr;
}

const char* set_count_or_auto(cmd_parms* command, const char* argument, std::uint64_t most,
                              const char* accepted, std::optional<std::size_t>& value) {
  if (!equal_ignoring_case(argument, "auto"))
    return set_count(command, argument, most, accepted, value);
  value.reset();
  return ap_check_cmd_context(command, GLOBAL_ONLY);
}

const char* max_connections(cmd_parms* command, void*, const char* argument) {
  return set_count_or_auto(command, argument, 10'000'000, "a number from 1 to 10000000, or Auto",
                           server_config(command).child.max_connections);
}

const char* filter_connections(cmd_parms* command, void*, const char* argument) {
  return set_count_or_auto(command, argument, 4096, "a number from 1 to 4096, or Auto",
                           server_config(command).child.filter_connections);
}

const char* drain_timeout(cmd_parms* command, void*, const char* time, const char* mode) {
  if (const char* error = ap_check_cmd_context(command, GLOBAL_ONLY)) return error;
  constexpr const char* accepted =
      "a time from 1ms to 1000h (units ms, s, min, h; seconds without), and close or keep";
  const auto given = parse_time(time);
  if (!given || given->count() < 1 || *given > longest_time) return wrong(command, accepted, time);
  const bool keep = mode && equal_ignoring_case(mode, "keep");
  if (mode && !keep && !equal_ignoring_case(mode, "close")) return wrong(command, accepted, mode);
  server_config(command).child.drain = DrainConfig{*given, keep};
  return nullptr;
}

const char* backplane(cmd_parms* command, void*, const char* argument) {
  if (const char* error = ap_check_cmd_context(command, GLOBAL_ONLY)) return error;
  ChildConfig& child = server_config(command).child;
  child.backplane = nullptr;
  if (equal_ignoring_case(argument, "none")) return nullptr;
  const auto url = channels::BackplaneUrl::parse(argument);
  if (!url)  // it may hold a password, so it is not repeated
    return apr_pstrcat(command->pool, command->cmd->name, " takes None, or ",
                       channels::backplane_url_form, nullptr);
  const std::string problem = channels::why_no_engine(*url, module_directory());
  if (!problem.empty())
    return apr_pstrcat(command->pool, command->cmd->name, ": ", problem.c_str(), nullptr);
  child.backplane = apr_pstrdup(command->pool, argument);
  return nullptr;
}

const char* backplane_password_file(cmd_parms* command, void*, const char* argument) {
  if (const char* error = ap_check_cmd_context(command, GLOBAL_ONLY)) return error;
  const char* path = ap_server_root_relative(command->pool, argument);
  if (!path) return wrong(command, "a file (relative to ServerRoot)", argument);
  server_config(command).child.backplane_password =
      c_string_in(command->pool, read_password(path));
  return nullptr;
}

// --- the table ----------------------------------------------------------------------------------

// For C++, httpd declares the callbacks without arguments. By way of void(): that is a cast which
// compilers do not warn of.
template <auto function, typename... Arguments>
cmd_func callback() {
  return reinterpret_cast<cmd_func>(reinterpret_cast<void (*)()>(guarded<function, Arguments...>));
}

template <auto function>
command_rec take1(const char* name, int where, const char* help) {
  const auto called = callback<function, const char*>();
  return AP_INIT_TAKE1(name, called, nullptr, where, help);
}

template <auto function>
command_rec take12(const char* name, int where, const char* help) {
  const auto called = callback<function, const char*, const char*>();
  return AP_INIT_TAKE12(name, called, nullptr, where, help);
}

template <auto function>
command_rec take2(const char* name, int where, const char* help) {
  const auto called = callback<function, const char*, const char*>();
  return AP_INIT_TAKE2(name, called, nullptr, where, help);
}

template <auto function>
command_rec take_list(const char* name, int where, const char* help) {
  const auto called = callback<function, int, char* const*>();
  return AP_INIT_TAKE_ARGV(name, called, nullptr, where, help);
}

constexpr int server = RSRC_CONF;
// RSRC_CONF: OR_AUTHCFG alone is not allowed outside of <Directory> and its like.
constexpr int directory = RSRC_CONF | OR_AUTHCFG;

}  // namespace

const command_rec directives[] = {
    take1<handler_root>("WebSocketHandlerRoot", server,
                        "The directory whose NAME_wsh.so files answer ws://host/NAME (default: "
                        "none, no handlers)"),
    take2<alias>("WebSocketAlias", server,
                 "A path, and the resource whose handler answers it, too"),
    take1<allow_outside>("WebSocketAllowHandlersOutsideRoot", server,
                         "On: symbolic links in WebSocketHandlerRoot may lead out of it; or Off "
                         "(the default)"),
    take1<http2>("WebSocketHTTP2", server,
                 "On: serve WebSockets over HTTP/2, too (needs H2WebSockets On); or Off (the "
                 "default)"),
    take_list<origin>("WebSocketOrigin", directory,
                      "Whose pages may connect: Same (the default), Any, or a list of Same and "
                      "origins such as https://example.com"),
    take1<legacy_protocols>("WebSocketLegacyProtocols", directory,
                            "On: accept draft-hixie-76 and draft-hixie-75, too; or Off (the "
                            "default)"),
    take1<bytes<&DirectoryConfig::max_message_size>>(
        "WebSocketMaxMessageSize", directory,
        "The largest message accepted, 1 to 1G bytes (default 1M); a larger one closes with 1009"),
    take_list<compression>("WebSocketCompression", directory,
                           "permessage-deflate: Off (the default), or On and any of "
                           "context-takeover=on|off (off), level=1-9 (6), window-bits=9-15 (12 "
                           "with context takeover, else 15), min-size=BYTES (64)"),
    take1<time<&DirectoryConfig::ping_interval, true>>(
        "WebSocketPingInterval", directory,
        "Ping a client that has been silent this long (default 30s), or Off"),
    take1<time<&DirectoryConfig::idle_timeout, true>>(
        "WebSocketIdleTimeout", directory,
        "Close a connection without messages for this long, or Off (the default)"),
    take1<time<&DirectoryConfig::close_timeout, false>>(
        "WebSocketCloseTimeout", directory,
        "How long to wait for the client's Close after ours (default 5s)"),
    take1<bytes<&DirectoryConfig::send_buffer_size>>(
        "WebSocketSendBufferSize", directory,
        "Bytes that may wait for a slow client before its handler waits, 1 to 1G (default 64K)"),
    take_list<channel>("WebSocketChannel", directory,
                       "The channels of websocket-publish and websocket-subscribe: names, or "
                       "expressions that give one each (default: the path below the Location)"),
    take12<channel_history>("WebSocketChannelHistory", directory,
                            "How many messages these channels keep, and for how long (default 0, "
                            "no limit of time)"),
    take1<threads>("WebSocketThreads", server,
                   "Event threads per child, 1 to 64 (default: the CPUs, at most 4; with prefork "
                   "1)"),
    take1<blocking_threads>("WebSocketBlockingThreads", server,
                            "Connections of blocking handlers per child, 1 to 4096 (default 64)"),
    take1<max_connections>("WebSocketMaxConnections", server,
                           "WebSocket connections per child, 1 to 10000000, or Auto (the default): "
                           "well below the limit of open files"),
    take1<filter_connections>(
        "WebSocketFilterConnections", server,
        "Connections per child over HTTP/2 and other modules' filters, each of which holds a "
        "thread: 1 to 4096, or Auto (the default): a quarter of ThreadsPerChild"),
    take1<channel_memory_size>("WebSocketChannelMemory", server,
                               "Bytes of memory that all children share for channels and their "
                               "history, 1M to 64G (default 64M)"),
    take12<drain_timeout>("WebSocketDrainTimeout", server,
                          "A graceful restart or stop closes all connections within this time "
                          "(default 5s) with 1001: spread over it (close, the default), or at its "
                          "end (keep)"),
    take1<backplane>("WebSocketBackplane", server,
                     "The server that carries channels between machines: "
                     "redis://[USER@]HOST[:PORT][/DATABASE] or nats://[USER@]HOST[:PORT]; or None "
                     "(the default)"),
    take1<backplane_password_file>("WebSocketBackplanePasswordFile", server,
                                   "A file whose first line is the backplane's password (default: "
                                   "none)"),
    {nullptr, nullptr, nullptr, 0, RAW_ARGS, nullptr}};

}  // namespace cppwebsocket::httpd
