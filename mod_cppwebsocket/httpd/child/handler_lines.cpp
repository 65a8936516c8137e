#include "httpd/child/handler_lines.hpp"

#include "httpd/child/child.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"

#include <chrono>
#include <new>
#include <string>

namespace cppwebsocket::httpd {

HandlerLines::HandlerLines(server_rec* main_server, runtime::Reactor& reactor) noexcept
    : main_server_(main_server), reactor_(reactor) {
  fire = [](detail::TimerNode& node) { static_cast<HandlerLines&>(node).tell(); };
}

bool HandlerLines::may_write(std::string_view handler, LogLevel level) noexcept {
  try {
    if (lines_.may_write(handler, level, std::chrono::steady_clock::now())) return true;
    if (!is_asked_.exchange(true))
      reactor_.post([this] { reactor_.arm(*this, reactor_.now() + runtime::RepeatedLines::window); });
  } catch (const std::bad_alloc&) {
  }
  return false;
}

void HandlerLines::tell() noexcept {
  is_asked_ = false;
  const Child* const child = Child::current();  // see VirtualHost::log
  if (!child || child->has_ended()) return;
  try {
    for (const auto& [handler, level, lines] : lines_.take_over(std::chrono::steady_clock::now()))
      log_server(main_server_, level_of(level),
                 "CWS0097: " + handler + ": " + std::to_string(lines) + " more lines like those before are left out");
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace cppwebsocket::httpd
