#include "httpd/endpoints/subscribe.hpp"

#include "channels/members/subscriber.hpp"
#include "httpd/endpoints/end_point.hpp"
#include "httpd/endpoints/opening_handshake.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/answer.hpp"
#include "httpd/request/capture.hpp"
#include "httpd/request/preflight.hpp"
#include "protocol/opening/channel_request.hpp"
#include "protocol/opening/handshake.hpp"
#include "protocol/opening/header_fields.hpp"

#include <http_protocol.h>
#include <http_request.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace cppwebsocket::httpd {

namespace {

// Far more than a page wants to begin with.
constexpr std::uint32_t most_replayed = 10'000;  // messages
constexpr std::uint32_t longest_heartbeat = 3'600;  // seconds

std::shared_ptr<const runtime::Handler> subscriber() {
  static const auto handler =
      std::make_shared<const runtime::Handler>("websocket-subscribe", channels::subscriber_table());
  return handler;
}

// The id of the last event, of a client that has come back by itself. Where a page's script stands
// in for EventSource it may not set the field for another origin; so it says it in the query.
std::optional<std::string> last_event_id(const request_rec* r,
                                         const protocol::HeaderFields& fields) {
  const auto field = fields.first("Last-Event-ID");
  if (field && !field->empty()) return std::string(*field);
  return protocol::query_value(view(r->args), "lastEventId");
}

bool read_history(const request_rec* r, channels::Subscription& subscription) {
  const auto text = protocol::query_value(view(r->args), "history");
  if (!text) return true;
  const auto count = protocol::parse_count(*text, most_replayed);
  subscription.history = count.value_or(0);
  return count.has_value();
}

bool read_format(const request_rec* r, channels::Subscription& subscription) {
  const auto format = protocol::query_value(view(r->args), "format");
  subscription.json = format == "json";
  return !format || subscription.json;
}

bool read_heartbeat(const request_rec* r, channels::Subscription& subscription) {
  const auto text = protocol::query_value(view(r->args), "heartbeat");
  if (!text) return true;
  const auto seconds = protocol::parse_count(*text, longest_heartbeat);
  subscription.heartbeat = std::chrono::seconds(seconds.value_or(0));
  return seconds.has_value();
}

int subscribe_by_get(request_rec* r, Child& child, std::span<Header> headers,
                     std::string_view path) {
  const protocol::HeaderFields fields(headers);
  const auto accept = fields.first("Accept").value_or("");
  const bool websocket = protocol::wants_websocket(opening_request_of(r, headers));
  if (!websocket && !protocol::accepts_event_stream(accept)) {
    const std::pair<std::string, std::string> upgrade[] = {{"Upgrade", "websocket"}};
    return refuse(r, HTTP_UPGRADE_REQUIRED,
                  "Connect by WebSocket, or say Accept: text/event-stream.", upgrade);
  }
  auto found = channels_of(r, path);
  if (const int* refused = std::get_if<int>(&found)) return *refused;
  channels::Subscription subscription;
  subscription.channels = std::get<std::vector<std::string>>(std::move(found));
  if (const auto refused = read_subscription(r, headers, subscription)) return *refused;
  if (!read_format(r, subscription)) return refuse(r, HTTP_BAD_REQUEST, "format= is json.");
  if (r->header_only) {
    ap_set_content_type(r, "text/event-stream");
    return OK;
  }
  Answerer answerer{subscriber(), path, std::move(subscription)};
  return websocket ? open_websocket(r, child, headers, std::move(answerer))
                   : open_event_stream(r, child, headers, std::move(answerer));
}

}  // namespace

// Where the client wants to go on. The last event has precedence: who comes back has the address
// that it had at first.
void read_resume(const request_rec* r, std::span<Header> headers,
                 channels::Subscription& subscription) {
  auto position = last_event_id(r, protocol::HeaderFields(headers));
  if (!position || position->empty()) position = protocol::query_value(view(r->args), "after");
  if (!position || position->empty()) return;
  // Of other channels, or none at all ("undefined"): a client that was refused would come back with it
  // for ever, so it is told that it has not recovered.
  if (const auto token = protocol::parse_token(*position, subscription.channels.size()))
    subscription.resume = *token;
  else
    subscription.lost = true;
}

std::optional<int> read_subscription(request_rec* r, std::span<Header> headers,
                                     channels::Subscription& subscription) {
  subscription.options = channel_options_of(r);
  read_resume(r, headers, subscription);
  if (!read_history(r, subscription))
    return refuse(r, HTTP_BAD_REQUEST, "history= is a number of messages, at most 10000.");
  if (!read_heartbeat(r, subscription))
    return refuse(r, HTTP_BAD_REQUEST, "heartbeat= is a number of seconds, at most 3600.");
  if (auto tag = protocol::query_value(view(r->args), "tag")) {
    if (!channels::may_be_tag(*tag)) return refuse(r, HTTP_BAD_REQUEST, "tag= has from 1 to 64 bytes.");
    subscription.tag = std::move(*tag);
  }
  return std::nullopt;
}

int subscribe(request_rec* r, Child& child, std::span<Header> headers, std::string_view path) {
  ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, M_OPTIONS, -1);
  if (r->method_number == M_OPTIONS)
    return answer_options(r, headers, settings_of(directory_config_of(r)).origin, "GET");
  if (r->method_number != M_GET) return HTTP_METHOD_NOT_ALLOWED;
  return subscribe_by_get(r, child, headers, path);
}

}  // namespace cppwebsocket::httpd
