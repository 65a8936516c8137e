#include "httpd/log.hpp"

#include "httpd/module.hpp"

namespace cppwebsocket::httpd {

// No file and line: the tag says more than this place would.
void log_server(server_rec* server, int level, std::string_view text) noexcept {
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
  ap_log_rerror(nullptr, 0, APLOG_MODULE_INDEX, level, 0, r, "%.*s", static_cast<int>(text.size()),
                text.data());
}

}  // namespace cppwebsocket::httpd
