#include "httpd/request/cross_origin.hpp"

namespace cppwebsocket::httpd {

void add_cross_origin_headers(const OriginPolicy& policy, std::optional<std::string_view> origin,
                              std::vector<std::pair<std::string, std::string>>& headers) {
  // To any page, but then without what a browser knows of its user: no cookies, no passwords.
  if (policy.any) {
    headers.emplace_back("Access-Control-Allow-Origin", "*");
    return;
  }
  headers.emplace_back("Vary", "Origin");
  if (!origin) return;
  headers.emplace_back("Access-Control-Allow-Origin", *origin);
  headers.emplace_back("Access-Control-Allow-Credentials", "true");
}

}  // namespace cppwebsocket::httpd
