#include "httpd/endpoints/publish.hpp"

#include "channels/members/hub.hpp"
#include "channels/members/json_envelope.hpp"
#include "channels/members/publisher.hpp"
#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/endpoints/end_point.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/answer.hpp"
#include "httpd/request/cross_origin.hpp"
#include "httpd/request/preflight.hpp"
#include "protocol/opening/channel_request.hpp"
#include "protocol/opening/header_fields.hpp"

#include <cppwebsocket/channel.hpp>

#include <http_protocol.h>
#include <http_request.h>

#include <optional>
#include <string>
#include <utility>

namespace cppwebsocket::httpd {

namespace {

constexpr std::uint32_t most_history = 1'000;  // messages in one answer
constexpr std::uint32_t usual_history = 100;

// One request about one channel.
class PublishRequest {
 public:
  PublishRequest(request_rec* r, std::span<Header> headers, Channel channel)
      : r_(r),
        fields_(headers),
        channel_(std::move(channel)),
        options_(channel_options_of(r)),
        settings_(settings_of(directory_config_of(r))) {}

  int post() {
    const auto kind = protocol::body_kind(fields_.first("Content-Type").value_or(""));
    if (kind == protocol::BodyKind::unsupported)
      return refuse(r_, HTTP_UNSUPPORTED_MEDIA_TYPE,
                    "The body is the message as it is: UTF-8 text, or bytes as "
                    "application/octet-stream; no form with parts, no other character set.");
    std::string body;
    if (const int status = read_body(body); status != OK) return status;
    // Asked for behind the body: mod_deflate takes the field away when it has inflated one.
    if (const char* encoding = apr_table_get(r_->headers_in, "Content-Encoding");
        encoding && !protocol::equal_ignoring_case(encoding, "identity"))
      return refuse(r_, HTTP_UNSUPPORTED_MEDIA_TYPE, "The body must not be encoded.");
    const bool is_text = kind == protocol::BodyKind::text;
    return publish(Message(is_text ? Message::Type::text : Message::Type::binary, std::move(body)));
  }

  int get() {
    const auto limit = count_of("limit");
    if (!limit) return refuse(r_, HTTP_BAD_REQUEST, "limit= is a number, at most 1000.");
    std::optional<Position> after;
    if (const auto text = protocol::query_value(view(r_->args), "after"); text && !text->empty()) {
      after = Position::parse(*text);
      if (!after) return refuse(r_, HTTP_BAD_REQUEST, "after= is not a position.");
    }
    const History history = channel_.history(after, *limit);
    std::string json = begin();
    json.append(",\"members\":").append(std::to_string(channel_.members()));
    add_position(json, history.newest);
    add_presence(json);
    json.append(",\"complete\":").append(history.complete ? "true" : "false");
    json.append(",\"messages\":[");
    // Message by message: as JSON they may be many times what the history takes.
    begin_answer();
    bool goes_on = write(json);
    for (std::size_t i = 0; i < history.publications.size() && goes_on; ++i)
      goes_on =
          write((i == 0 ? "" : ",") + channels::json_of(channel_.name(), history.publications[i]));
    if (goes_on) write("]}\n");
    return OK;
  }

 private:
  std::optional<std::uint32_t> count_of(std::string_view name) const {
    const auto text = protocol::query_value(view(r_->args), name);
    return text ? protocol::parse_count(*text, most_history) : usual_history;
  }

  // The status to answer with, or OK.
  int read_body(std::string& body) {
    if (const int status = ap_setup_client_block(r_, REQUEST_CHUNKED_DECHUNK); status != OK)
      return status;
    if (!ap_should_client_block(r_)) return OK;
    const std::size_t most = settings_.limits.max_message_size;
    if (r_->remaining > static_cast<apr_off_t>(most)) return HTTP_REQUEST_ENTITY_TOO_LARGE;
    char buffer[HUGE_STRING_LEN];
    for (;;) {
      const long size = ap_get_client_block(r_, buffer, sizeof buffer);
      if (size == 0) return OK;
      // httpd has refused it itself (LimitRequestBody), or the client is gone.
      if (size < 0) return HTTP_BAD_REQUEST;
      body.append(buffer, static_cast<std::size_t>(size));
      if (body.size() > most) return HTTP_REQUEST_ENTITY_TOO_LARGE;
    }
  }

  int publish(Message message) {
    PublishResult result;
    try {
      result = Child::current()->hub().publish(channel_.name(), options_, std::move(message),
                                               channels::publisher_of(view(r_->useragent_ip)));
    } catch (const InvalidUTF8Exception&) {
      return refuse(r_, HTTP_BAD_REQUEST,
                    "The body is not UTF-8. Bytes go as Content-Type: application/octet-stream.");
    }
    if (result.status == PublishStatus::too_large)
      return refuse(r_, HTTP_REQUEST_ENTITY_TOO_LARGE,
                    "The message is larger than a quarter of what a child process has of "
                    "WebSocketChannelMemory.");
    if (!result) {
      log_request(r_, APLOG_WARNING,
                  "CWS0046: no room for another channel, so nothing can be "
                  "published: raise WebSocketChannelMemory");
      return HTTP_SERVICE_UNAVAILABLE;
    }
    std::string json = begin();
    json.append(",\"members\":").append(std::to_string(channel_.local_members()));
    add_position(json, result.position);
    begin_answer();
    write(json.append("}\n"));
    return OK;
  }

  std::string begin() const {
    std::string json = "{\"channel\":";
    channels::append_json_string(json, channel_.name());
    return json;
  }

  static void add_position(std::string& json, Position position) {
    json.append(",\"position\":");
    if (position == Position())
      json.append("null");
    else
      channels::append_json_string(json, position.to_string());
  }

  void add_presence(std::string& json) const {
    json.append(",\"presence\":[");
    const char* separator = "";
    for (const Member& member : channel_.presence()) {
      json.append(std::exchange(separator, ",")).append("{\"id\":");
      channels::append_json_string(json, member.id);
      json.append(",\"info\":");
      channels::append_json_string(json, member.info);
      json.append("}");
    }
    json.append("]");
  }

  void begin_answer() {
    ap_set_content_type(r_, "application/json");
    apr_table_setn(r_->headers_out, "Cache-Control", "no-store");
  }

  // False if the client is gone, or wants no body.
  bool write(std::string_view json) {
    constexpr std::size_t at_once = 1 << 20;  // bytes; httpd counts them in an int
    while (!json.empty() && !r_->header_only) {
      const std::string_view piece = json.substr(0, at_once);
      if (ap_rwrite(piece.data(), static_cast<int>(piece.size()), r_) < 0) return false;
      json.remove_prefix(piece.size());
    }
    return json.empty();
  }

  request_rec* r_;
  protocol::HeaderFields fields_;
  Channel channel_;
  ChannelOptions options_;
  Settings settings_;
};

// A page of another origin could make its reader's browser publish, with all that the reader may
// do: so the rule is the same as for WebSockets. Browsers name the origin with every POST (Fetch,
// §3.1), and with a GET that goes to another.
std::optional<int> check_origin(request_rec* r, std::span<Header> headers) {
  const protocol::HeaderFields fields(headers);
  const OriginPolicy policy = settings_of(directory_config_of(r)).origin;
  if (const auto refused = refuse_other_pages(r, policy, fields, r->method_number == M_POST))
    return refused;
  std::vector<std::pair<std::string, std::string>> added;
  add_cross_origin_headers(policy, fields.first("Origin"), added);
  for (const auto& [name, value] : added)
    apr_table_merge(r->err_headers_out, name.c_str(), value.c_str());
  return std::nullopt;
}

}  // namespace

int publish(request_rec* r, std::span<Header> headers, std::string_view path) {
  ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, M_POST, M_OPTIONS, -1);
  if (r->method_number == M_OPTIONS)
    return answer_options(r, headers, settings_of(directory_config_of(r)).origin, "GET, POST");
  if (r->method_number != M_GET && r->method_number != M_POST) return HTTP_METHOD_NOT_ALLOWED;
  if (const auto refused = check_origin(r, headers)) return *refused;
  auto found = channels_of(r, path);
  if (const int* refused = std::get_if<int>(&found)) return *refused;
  auto& names = std::get<std::vector<std::string>>(found);
  if (names.size() > 1) {
    log_request(
        r, APLOG_ERR,
        "CWS0047: WebSocketChannel names several channels, and only one can be published to "
        "at a time");
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  PublishRequest request(r, headers,
                         Channel::named(std::move(names.front()), channel_options_of(r)));
  return r->method_number == M_POST ? request.post() : request.get();
}

}  // namespace cppwebsocket::httpd
