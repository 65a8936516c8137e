// How much a child takes, and how it ends.
#include "httpd/configuration/directive.hpp"

#include <cppwebsocket/close.hpp>

#include <optional>
#include <string_view>

namespace cppwebsocket::httpd {

namespace {

// Those that tell a client to come back, and what applications have agreed on (RFC 6455 §7.4).
std::optional<CloseCode> parse_drain_code(std::string_view text) noexcept {
  const auto code = parse_number(text);
  const bool is_one = code && (*code == close_code::going_away || *code == close_code::service_restart ||
                               *code == close_code::try_again_later || (*code >= 3000 && *code <= 4999));
  return is_one ? std::optional(static_cast<CloseCode>(*code)) : std::nullopt;
}

// TIME, then in this order, each of which may be missing: close or keep; a code.
const char* drain_timeout(cmd_parms* command, void*, const char* time, const char* mode,
                          const char* code) {
  constexpr const char* accepted =
      "a time from 1ms to 1000h (units ms, s, min, h; seconds without), close or keep, and the code of the "
      "Close: 1001, 1012, 1013, or 3000 to 4999";
  const auto given = parse_time(time);
  if (!given || given->count() < 1 || *given > longest_time) return wrong(command, accepted, time);
  DrainConfig drain{*given, false, close_code::going_away};
  const bool is_mode =
      mode && (equal_ignoring_case(mode, "keep") || equal_ignoring_case(mode, "close"));
  if (is_mode) drain.keep_serving = equal_ignoring_case(mode, "keep");
  if (mode && !is_mode && code) return wrong(command, accepted, mode);
  if (const char* const said = is_mode ? code : mode) {
    const auto parsed = parse_drain_code(said);
    if (!parsed) return wrong(command, accepted, said);
    drain.code = *parsed;
  }
  config_of(command->server).child.drain = drain;
  return nullptr;
}

const char* memory(cmd_parms* command, void*, const char* argument) {
  auto& value = config_of(command->server).child.memory;
  constexpr std::uint64_t least = 1 << 20, most = std::uint64_t{1} << 44;
  if (equal_ignoring_case(argument, "auto")) {
    value.reset();
    return nullptr;
  }
  const auto bytes = equal_ignoring_case(argument, "off") ? std::optional<std::uint64_t>(0) : parse_bytes(argument);
  if (!bytes || ((*bytes < least || *bytes > most) && !equal_ignoring_case(argument, "off")))
    return wrong(command, "bytes from 1M to 16384G, Auto or Off", argument);
  value = *bytes;
  return nullptr;
}

}  // namespace

Rows child_directives() {
  static const command_rec rows[] = {
      take1<count<&ChildConfig::threads, 64>>(
          "WebSocketThreads", global,
          "Event threads per child, 1 to 64 (default: the CPUs, at most 4; with prefork "
          "1)"),
      take1<count<&ChildConfig::blocking_threads, 4096>>(
          "WebSocketBlockingThreads", global,
          "Connections of blocking handlers per child, 1 to 4096 (default 64)"),
      take1<count<&ChildConfig::max_connections, 10'000'000, true>>(
          "WebSocketMaxConnections", global,
          "WebSocket connections per child, 1 to 10000000, or Auto (the default): "
          "well below the limit of open files"),
      take1<count<&ChildConfig::filter_connections, 4096, true>>(
          "WebSocketFilterConnections", global,
          "Connections per child over HTTP/2 and other modules' filters, each of which holds a "
          "thread: 1 to 4096, or Auto (the default): a quarter of ThreadsPerChild"),
      take1<memory>("WebSocketMemory", global,
                    "Bytes per child that all connections together may pin, unsent or not taken, 1M to "
                    "16384G; Auto (the default): half of the machine's; or Off"),
      take123<drain_timeout>(
          "WebSocketDrainTimeout", global,
          "A graceful restart or stop closes all connections within this time "
          "(default 5s): spread over it (close, the default), or at its end (keep); with the "
          "code 1001 (the default), 1012, 1013, or 3000 to 4999"),
      take1<time<&ChildConfig::stall_warning, true>>(
          "WebSocketStallWarning", global,
          "A handler that holds up an event thread for so long is told of in the error log, with its stack: a time "
          "(default 2s), or Off"),
      take1<time<&ChildConfig::stall_timeout, true>>(
          "WebSocketStallTimeout", global,
          "A child whose event thread is held up for so long ends gracefully, and a new one stands in: a time "
          "(default 1min), or Off"),
  };
  return rows;
}

}  // namespace cppwebsocket::httpd
