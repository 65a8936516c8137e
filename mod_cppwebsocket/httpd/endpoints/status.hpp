// What mod_status shows of WebSockets and channels, in all children: a section of its page, and lines
// of its `?auto` form.
#pragma once

namespace cppwebsocket::httpd {

// Joins mod_status, if that is loaded. Thread: startup.
void register_status() noexcept;

}  // namespace cppwebsocket::httpd
