#include "httpd/log.hpp"

#include "httpd/module.hpp"

namespace cppwebsocket::httpd {

void log_server(server_rec* server, int level, std::string_view text) noexcept {
  ap_log_error(APLOG_MARK, level, 0, server, "%.*s", static_cast<int>(text.size()), text.data());
}

void log_request(request_rec* r, int level, std::string_view text) noexcept {
  ap_log_rerror(APLOG_MARK, level, 0, r, "%.*s", static_cast<int>(text.size()), text.data());
}

}  // namespace cppwebsocket::httpd
