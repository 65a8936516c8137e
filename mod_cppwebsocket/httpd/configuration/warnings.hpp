// Refusals that may be the configuration's fault. Where they are, nobody gets in, so a usual
// LogLevel shows them; but any stranger can cause them as well, so that of each cause there is one
// warning a minute, from all children together, and the rest is at info.
#pragma once

#include "httpd/module.hpp"

#include <apr_time.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cppwebsocket::httpd {

enum class Cause : std::uint8_t {
  channel_name,  // that no channel can have
  unknown_host,  // a name that is not this virtual host's
  other_scheme,  // the page's is https, ours is not: a proxy in front speaks TLS
  other_origin,
  other_site,  // a page's request without Origin
  log_lost,    // lines of WebSocketLog that nothing took
  question,    // whether a channel is allowed cannot be found out
  still_allowed,  // the same, of an open connection
  application,  // of WebSocketHook, that gives no answer
  event_lost,   // that an application was to be told of
  over_limit,  // of a client (WebSocketLimit); the last
};

// In memory that children share. Thread: any.
class Warnings {
 public:
  int level_of(Cause cause) noexcept {
    std::atomic<apr_time_t>& last = last_[static_cast<std::size_t>(cause)];
    const apr_time_t now = apr_time_now();
    apr_time_t seen = last.load(std::memory_order_relaxed);
    const bool is_recent = seen <= now && now - seen < apr_time_from_sec(60);
    return !is_recent && last.compare_exchange_strong(seen, now) ? APLOG_WARNING : APLOG_INFO;
  }

 private:
  std::array<std::atomic<apr_time_t>, static_cast<std::size_t>(Cause::over_limit) + 1> last_{};
};
static_assert(std::atomic<apr_time_t>::is_always_lock_free);

}  // namespace cppwebsocket::httpd
