#include "httpd/request/preflight.hpp"

#include "httpd/request/cross_origin.hpp"
#include "protocol/opening/handshake.hpp"
#include "protocol/opening/header_fields.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cppwebsocket::httpd {

namespace {

constexpr std::size_t most_names = 1'024;       // bytes
constexpr const char remembered[] = "3600";     // seconds; Chromium takes two hours at most

// By name: "*" would not mean Authorization, nor anything where there are cookies.
std::string allowed_names(std::string_view asked) {
  std::string names;
  if (asked.size() > most_names) return names;
  for (const std::string_view name : protocol::split_list(asked)) {
    if (!protocol::is_token(name)) return {};
    names.append(names.empty() ? "" : ", ").append(name);
  }
  return names;
}

}  // namespace

int answer_options(request_rec* r, std::span<Header> headers, const OriginPolicy& policy,
                   const char* methods) {
  const protocol::HeaderFields fields(headers);
  const auto origin = fields.first("Origin");
  if (!origin || !fields.first("Access-Control-Request-Method")) return DECLINED;
  if (const auto refused = refuse_other_pages(r, policy, fields, true)) return *refused;
  std::vector<std::pair<std::string, std::string>> answer{
      {"Access-Control-Allow-Methods", methods},
      {"Access-Control-Max-Age", remembered}};
  add_cross_origin_headers(policy, origin, answer);
  const std::string names =
      allowed_names(fields.first("Access-Control-Request-Headers").value_or(""));
  if (!names.empty()) answer.emplace_back("Access-Control-Allow-Headers", names);
  for (const auto& [name, value] : answer)
    apr_table_merge(r->err_headers_out, name.c_str(), value.c_str());
  r->status = HTTP_NO_CONTENT;
  return OK;
}

}  // namespace cppwebsocket::httpd
