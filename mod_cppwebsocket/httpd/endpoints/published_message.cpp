#include "httpd/endpoints/published_message.hpp"

#include "httpd/configuration/config.hpp"
#include "httpd/module.hpp"
#include "httpd/request/answer.hpp"
#include "httpd/request/body.hpp"
#include "httpd/request/cross_origin.hpp"
#include "protocol/frames/utf8.hpp"
#include "protocol/opening/channel_request.hpp"
#include "protocol/opening/header_fields.hpp"

#include <http_protocol.h>

#include <string>
#include <utility>
#include <vector>

namespace cppwebsocket::httpd {

// Browsers name the origin with every POST (Fetch, §3.1), and with a GET that goes to another.
std::optional<int> refuse_publisher(request_rec* r, std::span<Header> headers) {
  const protocol::HeaderFields fields(headers);
  const OriginPolicy policy = settings_of(directory_config_of(r)).origin;
  if (const auto refused = refuse_other_pages(r, policy, fields, r->method_number != M_GET))
    return refused;
  std::vector<std::pair<std::string, std::string>> added;
  add_cross_origin_headers(policy, fields.first("Origin"), added);
  for (const auto& [name, value] : added)
    apr_table_merge(r->err_headers_out, name.c_str(), value.c_str());
  return std::nullopt;
}

std::variant<Message, int> read_message(request_rec* r, const protocol::HeaderFields& fields,
                                        std::size_t most_bytes) {
  const auto kind = protocol::body_kind(fields.first("Content-Type").value_or(""));
  if (kind == protocol::BodyKind::unsupported)
    return refuse(r, HTTP_UNSUPPORTED_MEDIA_TYPE,
                  "The body is the message as it is: UTF-8 text, or bytes as "
                  "application/octet-stream; no form with parts, no other character set.");
  std::string body;
  if (const int status = read_body(r, most_bytes, body); status != OK) return status;
  // Asked for behind the body: mod_deflate takes the field away when it has inflated one.
  if (const char* encoding = apr_table_get(r->headers_in, "Content-Encoding");
      encoding && !protocol::equal_ignoring_case(encoding, "identity"))
    return refuse(r, HTTP_UNSUPPORTED_MEDIA_TYPE, "The body must not be encoded.");
  if (kind != protocol::BodyKind::text) return Message(Message::Type::binary, std::move(body));
  if (!protocol::is_utf8(body))
    return refuse(r, HTTP_BAD_REQUEST,
                  "The body is not UTF-8. Bytes go as Content-Type: application/octet-stream.");
  Message message(std::move(body));
  detail::MessageAccess::set_validated(message);
  return message;
}

std::variant<channels::Remarks, int> read_remarks(request_rec* r, const Message& message) {
  constexpr std::uint32_t longest_ms = 3'600'000;
  channels::Remarks remarks;
  remarks.user = view(r->user);
  const std::string_view query = view(r->args);
  if (auto event = protocol::query_value(query, "event")) {
    if (!channels::may_be_event(*event) || !protocol::is_utf8(*event) || !message.is_text())
      return refuse(r, HTTP_BAD_REQUEST,
                    "event= is a name of 1 to 64 bytes, but none of our own (message, binary, gap, position, subscribed), and of a text.");
    remarks.event = std::move(*event);
  }
  if (const auto retry = protocol::query_value(query, "retry")) {
    const auto ms = protocol::parse_count(*retry, longest_ms);
    if (!ms || *ms == 0 || !message.is_text())
      return refuse(r, HTTP_BAD_REQUEST, "retry= is a number of milliseconds, from 1 to 3600000, with a text.");
    remarks.retry_ms = *ms;
  }
  if (const auto ttl = protocol::query_value(query, "ttl")) {
    const auto seconds = protocol::parse_count(*ttl, channels::longest_ttl_s);
    if (!seconds || *seconds == 0)
      return refuse(r, HTTP_BAD_REQUEST, "ttl= is a number of seconds, from 1 to 31536000.");
    remarks.ttl_s = *seconds;
  }
  if (auto except = protocol::query_value(query, "except")) {
    if (!channels::may_be_tag(*except) || !protocol::is_utf8(*except))
      return refuse(r, HTTP_BAD_REQUEST, "except= is the tag= of those who are not to get it, of 1 to 64 bytes.");
    remarks.except = std::move(*except);
  }
  return remarks;
}

}  // namespace cppwebsocket::httpd
