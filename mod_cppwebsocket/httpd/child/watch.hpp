// What the watchdog and a crash are told of in httpd's error log, and how a child ends itself.
#pragma once

#include <httpd.h>

namespace cppwebsocket::httpd {

class Child;

// A crash of a handler is told of from now on. Thread: the main one, before there are others.
void report_crashes(server_rec* main_server) noexcept;

// WebSocketStallWarning and WebSocketStallTimeout hold from now on. Raises system_error, bad_alloc.
void watch(Child& child, server_rec* main_server);

}  // namespace cppwebsocket::httpd
