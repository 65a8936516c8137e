// Who may connect, and what one connection may do.
#include "httpd/configuration/directive.hpp"
#include "protocol/opening/header_fields.hpp"
#include "protocol/opening/origin.hpp"

#include <cppwebsocket/close.hpp>

#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace cppwebsocket::httpd {

namespace {

const char* origin(cmd_parms* command, void* config, int count, char* const arguments[]) {
  constexpr const char* accepted =
      "Same, Any, or a list of Same and origins: scheme://host or scheme://host:port without a "
      "path, where *.name.tld is any name below it and the port may be *; scheme://* for schemes "
      "other than http and https; null; file://";
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
    else if (protocol::is_origin_pattern(argument))
      listed[size++] = apr_pstrdup(command->pool, argument);
    else
      return wrong(command, accepted, argument);
  }
  policy.listed = {listed, size};
  target<DirectoryConfig>(command, config).origin = policy;
  return nullptr;
}

const char* scheme_header(cmd_parms* command, void* config, const char* argument) {
  // RFC 7239's field has another grammar.
  if (!protocol::is_token(argument) || equal_ignoring_case(argument, "forwarded"))
    return wrong(command,
                 "None, or the name of a header field that is http or https, such as "
                 "X-Forwarded-Proto",
                 argument);
  target<ServerConfig>(command, config).scheme_header =
      equal_ignoring_case(argument, "none") ? nullptr : apr_pstrdup(command->pool, argument);
  return nullptr;
}

// Takes one NAME=VALUE of WebSocketCompression; false if it is none.
bool set_compression_option(std::string_view option, protocol::DeflatePolicy& policy) {
  const std::size_t equals = option.find('=');
  if (equals == option.npos) return false;
  const std::string_view name = option.substr(0, equals);
  const std::string_view value = option.substr(equals + 1);
  if (equal_ignoring_case(name, "context-takeover")) {
    const bool client = equal_ignoring_case(value, "client");
    const auto on = client ? std::optional(false) : parse_switch(value);
    policy.server_context_takeover = on.value_or(false);
    policy.client_context_takeover = client || on.value_or(false);
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
      "Off, or On with any of context-takeover=on|client|off, level=1-9, window-bits=9-15, "
      "min-size=BYTES (at most 1G)";
  const auto on = count == 0 ? std::nullopt : parse_switch(arguments[0]);
  if (!on) return wrong(command, accepted, count == 0 ? "" : arguments[0]);
  protocol::DeflatePolicy policy;
  policy.enabled = *on;
  for (int i = 1; i < count; ++i)
    if (!*on || !set_compression_option(arguments[i], policy))
      return wrong(command, accepted, arguments[i]);
  target<DirectoryConfig>(command, config).compression = policy;
  return nullptr;
}

const char* socket_buffer_size(cmd_parms* command, void* config, const char* argument) {
  auto& value = target<DirectoryConfig>(command, config).socket_buffer_size;
  constexpr std::size_t least = 4 << 10, most = 64 << 20;
  const auto number = equal_ignoring_case(argument, "auto") ? std::optional<std::uint64_t>(0)
                                                            : parse_bytes(argument);
  if (!number || (*number != 0 && (*number < least || *number > most)) ||
      (*number == 0 && !equal_ignoring_case(argument, "auto")))
    return wrong(command, "a number of bytes from 4K to 64M, or Auto", argument);
  value = *number;
  return nullptr;
}

const char* message_timeout(cmd_parms* command, void* config, const char* argument) {
  if (const char* error = time<&DirectoryConfig::message_timeout, true>(command, config, argument))
    return error;
  const auto given = *target<DirectoryConfig>(command, config).message_timeout;
  const bool good = given.count() == 0 || (given >= std::chrono::seconds(1) &&
                                           given <= std::chrono::hours(18));
  return good ? nullptr : wrong(command, "a time from 1s to 18h, or Off", argument);
}

// TIME, then in this order, each of which may be missing: a code; unknown=TIME.
const char* auth_check(cmd_parms* command, void* config, const char* time, const char* code, const char* unknown) {
  constexpr const char* accepted =
      "a time from 1s to 1000h (units s, min, h), the code of the Close (1000 to 1003, 1007 to 1014, or 3000 to 4999), "
      "and unknown=TIME; or Off";
  AuthCheck check;
  const auto is_unknown = [](const char* text) { return std::string_view(text).starts_with("unknown="); };
  if (equal_ignoring_case(time, "off") && !code) {
    target<DirectoryConfig>(command, config).auth_check = check;
    return nullptr;
  }
  const auto given = parse_time(time);
  if (!given || *given < std::chrono::seconds(1) || *given > longest_time) return wrong(command, accepted, time);
  check.interval = *given;
  if (code && !unknown && is_unknown(code)) std::swap(code, unknown);
  if (code) {
    const auto number = parse_number(code);
    if (!number || *number > 4999 || !close_code::may_be_sent(static_cast<CloseCode>(*number)))
      return wrong(command, accepted, code);
    check.code = static_cast<CloseCode>(*number);
  }
  if (unknown) {
    const auto longest = is_unknown(unknown) ? parse_time(unknown + std::strlen("unknown=")) : std::nullopt;
    if (!longest || longest->count() < 1 || *longest > longest_time) return wrong(command, accepted, unknown);
    check.longest_unknown = *longest;
  }
  target<DirectoryConfig>(command, config).auth_check = check;
  return nullptr;
}

}  // namespace

Rows connection_directives() {
  static const command_rec rows[] = {
      take_list<origin>(
          "WebSocketOrigin", directory,
          "Whose pages may connect: Same (the default; of this virtual host's names), Any, "
          "or a list of Same and origins such as https://example.com"),
      take1<scheme_header>(
          "WebSocketSchemeHeader", server,
          "The header field by which a proxy that mod_remoteip trusts says http or https, such as "
          "X-Forwarded-Proto; or None (the default)"),
      take1<on_or_off<&DirectoryConfig::legacy_protocols>>(
          "WebSocketLegacyProtocols", directory,
          "On: accept draft-hixie-76 and draft-hixie-75, too; or Off (the "
          "default)"),
      take1<bytes<&DirectoryConfig::max_message_size>>(
          "WebSocketMaxMessageSize", directory,
          "The largest message accepted, 1 to 1G bytes (default 1M); a larger one closes with "
          "1009"),
      take1<bytes<&DirectoryConfig::send_buffer_size>>(
          "WebSocketSendBufferSize", directory,
          "Bytes that may wait for a slow client before its handler waits, 1 to 1G (default 64K)"),
      take1<socket_buffer_size>(
          "WebSocketSocketBufferSize", directory,
          "Bytes that the kernel may keep for a client, each way: 4K to 64M, or Auto (the default), "
          "as it likes"),
      take_list<compression>("WebSocketCompression", directory,
                             "permessage-deflate: Off (the default), or On and any of "
                             "context-takeover=on|client|off (client), level=1-9 (6), "
                             "window-bits=9-15 (12 with context takeover, else 15), "
                             "min-size=BYTES (64)"),
      take1<time<&DirectoryConfig::ping_interval, true>>(
          "WebSocketPingInterval", directory,
          "Ping a client that has been silent this long (default 30s), or Off"),
      take1<time<&DirectoryConfig::idle_timeout, true>>(
          "WebSocketIdleTimeout", directory,
          "Close a connection without messages for this long, or Off (the default; with a blocking "
          "handler 1h)"),
      take1<time<&DirectoryConfig::close_timeout, false>>(
          "WebSocketCloseTimeout", directory,
          "How long to wait for the client's Close after ours (default 5s)"),
      take123<auth_check>(
          "WebSocketAuthCheck", directory,
          "Ask httpd this often (1s to 1000h) whether a client may still be where it is, and close if it may not, with 1008 or "
          "the code that is given; unknown=TIME: also if that cannot be found out for so long. Or Off (the default)"),
      take1<message_timeout>(
          "WebSocketMessageTimeout", directory,
          "How long a message may take from its first byte to its last, and a second more for each "
          "KiB of it: 1s to 18h (default 5min), or Off"),
  };
  return rows;
}

}  // namespace cppwebsocket::httpd
