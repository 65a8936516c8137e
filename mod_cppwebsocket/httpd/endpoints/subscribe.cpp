#include "httpd/endpoints/subscribe.hpp"

#include "channels/members/subscriber.hpp"
#include "httpd/request/answer.hpp"
#include "httpd/endpoints/end_point.hpp"
#include "httpd/endpoints/opening_handshake.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/capture.hpp"
#include "protocol/opening/channel_request.hpp"
#include "protocol/opening/handshake.hpp"
#include "protocol/opening/header_fields.hpp"

#include <http_protocol.h>
#include <http_request.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace cppwebsocket::httpd {

namespace {

// Far more than a page wants to begin with.
constexpr std::uint32_t most_history = 10'000;  // messages

std::shared_ptr<const runtime::Handler> subscriber() {
  static const auto handler =
      std::make_shared<const runtime::Handler>("websocket-subscribe", channels::subscriber_table());
  return handler;
}

// Where the client wants to go on. The field has precedence: a browser that comes back by itself
// sends it, with the address that it had at first. False if the query is wrong.
bool read_resume(const request_rec* r, const protocol::HeaderFields& fields,
                 channels::Subscription& subscription) {
  const std::size_t count = subscription.channels.size();
  if (const auto id = fields.first("Last-Event-ID"); id && !id->empty()) {
    const auto token = protocol::parse_token(*id, count);
    // Of other channels, or from before they began anew: nobody's fault, but it has to be told.
    if (token)
      subscription.resume = *token;
    else
      subscription.lost = true;
    return true;
  }
  const auto after = protocol::query_value(view(r->args), "after");
  if (!after || after->empty()) return true;
  const auto token = protocol::parse_token(*after, count);
  if (token) subscription.resume = *token;
  return token.has_value();
}

bool read_history(const request_rec* r, channels::Subscription& subscription) {
  const auto text = protocol::query_value(view(r->args), "history");
  if (!text) return true;
  const auto count = protocol::parse_count(*text, most_history);
  subscription.history = count.value_or(0);
  return count.has_value();
}

bool read_format(const request_rec* r, channels::Subscription& subscription) {
  const auto format = protocol::query_value(view(r->args), "format");
  subscription.json = format == "json";
  return !format || subscription.json;
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
  channels::Subscription subscription;
  subscription.channels = channels_of(r, path);
  subscription.options = channel_options_of(r);
  if (subscription.channels.empty())
    return refuse(r, HTTP_NOT_FOUND, "This address names no channel.");
  if (!read_resume(r, fields, subscription))
    return refuse(r, HTTP_BAD_REQUEST,
                  "after= is not a position, or a list of one for each channel, from here.");
  if (!read_history(r, subscription))
    return refuse(r, HTTP_BAD_REQUEST, "history= is a number of messages, at most 10000.");
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

int subscribe(request_rec* r, Child& child, std::span<Header> headers, std::string_view path) {
  ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, M_OPTIONS, -1);
  if (r->method_number == M_OPTIONS) return DECLINED;  // httpd's own answer
  if (r->method_number != M_GET) return HTTP_METHOD_NOT_ALLOWED;
  return subscribe_by_get(r, child, headers, path);
}

}  // namespace cppwebsocket::httpd
