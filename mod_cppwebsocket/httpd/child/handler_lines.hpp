// A child's lines of its handlers in the error log: no handler fills that (RepeatedLines), and what was left out is told.
#pragma once

#include "runtime/counters/repeated_lines.hpp"
#include "runtime/reactor/reactor.hpp"

#include <httpd.h>

#include <atomic>
#include <string_view>

namespace cppwebsocket::httpd {

class HandlerLines : private detail::TimerNode {
 public:
  // Both outlive it. Its timer is one of `reactor`.
  HandlerLines(server_rec* main_server, runtime::Reactor& reactor) noexcept;

  // Whether a line of this handler is to be written. If not, it is counted, and the log says within a minute how many
  // there were (CWS0097). Thread: any.
  bool may_write(std::string_view handler, LogLevel level) noexcept;

 private:
  void tell() noexcept;  // Thread: the reactor's

  server_rec* const main_server_;
  runtime::Reactor& reactor_;
  runtime::RepeatedLines lines_;
  std::atomic<bool> is_asked_{false};  // to tell
};

}  // namespace cppwebsocket::httpd
