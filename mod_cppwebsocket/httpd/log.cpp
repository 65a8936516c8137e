#include "httpd/log.hpp"

#include "httpd/module.hpp"

#include <apr_time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>

namespace cppwebsocket::httpd {

namespace {

// In memory that the kernel gives as it is used, and that nothing takes away at the process's end.
struct LastLines {
  static constexpr std::size_t most = 100, longest = 400;
  struct Line {
    apr_time_t time;
    int level;
    std::size_t size;
    std::array<char, longest> text;
  };

  std::mutex mutex;
  std::uint64_t count = 0;       // GUARDED_BY(mutex), as the next
  std::array<Line, most> lines;  // the newest at (count - 1) % most
};
constinit LastLines the_lines{};

// Only tries the lock: a process that was forked from a child's threads may have it locked for ever.
void note(int level, std::string_view text) noexcept {
  if (level > APLOG_INFO) return;
  const std::unique_lock lock(the_lines.mutex, std::try_to_lock);
  if (!lock) return;
  LastLines::Line& line = the_lines.lines[the_lines.count++ % LastLines::most];
  line.time = apr_time_now();
  line.level = level;
  line.size = std::min(text.size(), LastLines::longest);
  std::copy_n(text.begin(), line.size, line.text.begin());
}

const char* name_of(int level) noexcept {
  constexpr std::array names = {"emerg", "alert", "crit", "error", "warn", "notice", "info"};
  return names[static_cast<std::size_t>(std::clamp(level, 0, APLOG_INFO))];
}

}  // namespace

// No file and line: the tag says more than this place would.
void log_server(server_rec* server, int level, std::string_view text) noexcept {
  if (APLOG_MODULE_IS_LEVEL(server, APLOG_MODULE_INDEX, level)) note(level, text);
  ap_log_error(nullptr, 0, APLOG_MODULE_INDEX, level, 0, server, "%.*s",
               static_cast<int>(text.size()), text.data());
}

int level_of(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::error:
      return APLOG_ERR;
    case LogLevel::warning:
      return APLOG_WARNING;
    case LogLevel::notice:
      return APLOG_NOTICE;
    case LogLevel::info:
      return APLOG_INFO;
    case LogLevel::debug:
      break;
  }
  return APLOG_DEBUG;
}

void log_request(request_rec* r, int level, std::string_view text) noexcept {
  if (APLOG_R_MODULE_IS_LEVEL(r, APLOG_MODULE_INDEX, level)) note(level, text);
  ap_log_rerror(nullptr, 0, APLOG_MODULE_INDEX, level, 0, r, "%.*s", static_cast<int>(text.size()),
                text.data());
}

std::vector<LoggedLine> last_lines() {
  std::vector<LoggedLine> all;
  const std::lock_guard lock(the_lines.mutex);
  const std::uint64_t count = the_lines.count;
  for (std::uint64_t i = count - std::min<std::uint64_t>(count, LastLines::most); i < count; ++i) {
    const LastLines::Line& line = the_lines.lines[i % LastLines::most];
    all.push_back({line.time, name_of(line.level), {line.text.data(), line.size}});
  }
  return all;
}

void forget_lines() noexcept {
  const std::lock_guard lock(the_lines.mutex);
  the_lines.count = 0;
}

}  // namespace cppwebsocket::httpd
