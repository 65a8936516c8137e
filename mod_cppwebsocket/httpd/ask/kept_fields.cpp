#include "httpd/ask/kept_fields.hpp"

#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "protocol/opening/header_fields.hpp"

#include <apr_tables.h>
#include <http_protocol.h>

#include <initializer_list>

namespace cppwebsocket::httpd {

namespace {

constexpr char fields_key[] = "cppwebsocket-fields";

bool is_one_of(std::string_view name, std::initializer_list<const char*> names) noexcept {
  for (const char* each : names)
    if (protocol::equal_ignoring_case(name, each)) return true;
  return false;
}

// A WebSocket, which over HTTP/2 has no Upgrade; an event stream; a message to several channels.
bool may_lead_to_questions(const request_rec* r) noexcept {
  const auto contains = [](std::string_view text, std::string_view part) { return text.find(part) != text.npos; };
  return apr_table_get(r->headers_in, "Upgrade") || apr_table_get(r->headers_in, "Sec-WebSocket-Version") ||
         contains(view(apr_table_get(r->headers_in, "Accept")), "text/event-stream") ||
         (r->method_number == M_POST && contains(view(r->args), "channel="));
}

int keep_fields(request_rec* r) noexcept {
  if (may_lead_to_questions(r))
    apr_pool_userdata_setn(apr_table_copy(r->pool, r->headers_in), fields_key, nullptr, r->pool);
  return DECLINED;
}

}  // namespace

const apr_table_t* fields_of(request_rec* r) noexcept {
  void* kept = nullptr;
  apr_pool_userdata_get(&kept, fields_key, r->pool);
  return kept ? static_cast<apr_table_t*>(kept) : r->headers_in;
}

bool belongs_to_body(std::string_view name) noexcept {
  return is_one_of(name, {"Content-Length", "Transfer-Encoding", "Expect", "Trailer"});
}

bool is_of_one_connection(std::string_view name) noexcept {
  return is_one_of(name, {"Sec-WebSocket-Key", "Sec-WebSocket-Key1", "Sec-WebSocket-Key2", "Last-Event-ID"});
}

void register_kept_fields() noexcept {
  ap_hook_post_read_request(keep_fields, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
}

}  // namespace cppwebsocket::httpd
