// How much a child takes, and how it ends.
#include "httpd/configuration/directive.hpp"

namespace cppwebsocket::httpd {

namespace {

const char* drain_timeout(cmd_parms* command, void*, const char* time, const char* mode) {
  constexpr const char* accepted =
      "a time from 1ms to 1000h (units ms, s, min, h; seconds without), and close or keep";
  const auto given = parse_time(time);
  if (!given || given->count() < 1 || *given > longest_time) return wrong(command, accepted, time);
  const bool keep = mode && equal_ignoring_case(mode, "keep");
  if (mode && !keep && !equal_ignoring_case(mode, "close")) return wrong(command, accepted, mode);
  config_of(command->server).child.drain = DrainConfig{*given, keep};
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
      take12<drain_timeout>(
          "WebSocketDrainTimeout", global,
          "A graceful restart or stop closes all connections within this time "
          "(default 5s) with 1001: spread over it (close, the default), or at its "
          "end (keep)"),
  };
  return rows;
}

}  // namespace cppwebsocket::httpd
