#include "httpd/endpoints/channels.hpp"

#include "channels/conversation/conversation.hpp"
#include "httpd/ask/question.hpp"
#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/endpoints/end_point.hpp"
#include "httpd/endpoints/opening_handshake.hpp"
#include "httpd/endpoints/publish.hpp"
#include "httpd/endpoints/subscribe.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/answer.hpp"
#include "httpd/request/capture.hpp"
#include "httpd/request/preflight.hpp"
#include "httpd/request/rewriting.hpp"
#include "protocol/opening/channel_request.hpp"
#include "protocol/opening/handshake.hpp"
#include "protocol/opening/header_fields.hpp"

#include <http_protocol.h>
#include <http_request.h>

#include <memory>
#include <string>
#include <utility>

namespace cppwebsocket::httpd {

namespace {

using channels::Access;
using channels::Permission;

// Of one connection, whose <Location> this is.
class Questions final : public channels::Gatekeeper {
 public:
  Questions(request_rec* r, std::string_view location)
      : asker_(r), server_(r->server), location_(location) {
    if (!location_.ends_with('/')) location_ += '/';
  }

  Permission ask(Access access, std::string_view channel) override {
    Permission permission;
    const char* const method = access == Access::publish ? "POST" : "GET";
    const std::string path = location_ + std::string(channel);
    const auto look = [&](request_rec* r) {
      // "a//b" and "a/../b" are other addresses than they seem.
      if (end_point_of(r) != EndPoint::channels || channel_by_path(r, path_of(r)) != channel) return false;
      permission.options = channel_options_of(r);
      permission.most_bytes = settings_of(directory_config_of(r)).limits.max_message_size;
      return true;
    };
    const Asker::Answer answer = asker_.ask(method, path, look);
    permission.word = word_of(answer.status);
    tell(permission.word, answer, std::string(method) + " " + path);
    return permission;
  }

 private:
  // What a server's fault keeps from being found out is no refusal.
  static Permission::Word word_of(int status) noexcept {
    if (status == OK) return Permission::Word::yes;
    if (status >= 500) return Permission::Word::unknown;
    const bool is_none = status == HTTP_NOT_FOUND || status == HTTP_BAD_REQUEST;
    return is_none ? Permission::Word::no_channel : Permission::Word::no;
  }

  void tell(Permission::Word word, const Asker::Answer& answer, const std::string& what) const {
    if (word == Permission::Word::yes) return;
    const bool is_fault = word == Permission::Word::unknown || !answer.why.empty();
    log_server(server_, is_fault ? APLOG_WARNING : APLOG_INFO,
               "CWS0081: a channel is refused to a connection of websocket-channels: " + what +
                   " would be answered with " + std::to_string(answer.status) +
                   (answer.why.empty() ? "" : ", for " + answer.why));
  }

  const Asker asker_;
  server_rec* const server_;
  std::string location_;
};

std::shared_ptr<const runtime::Handler> conversation() {
  static const auto handler =
      std::make_shared<const runtime::Handler>("websocket-channels", channels::conversation_table());
  return handler;
}

int refuse_plain(request_rec* r) {
  const std::pair<std::string, std::string> upgrade[] = {{"Upgrade", "websocket"}};
  return refuse(r, HTTP_UPGRADE_REQUIRED,
                "Connect by WebSocket, with the subprotocol channels.json; each channel has an address below.",
                upgrade);
}

int converse(request_rec* r, Child& child, std::span<Header> headers, std::string_view path,
             std::string_view location) {
  ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, M_OPTIONS, -1);
  if (r->method_number == M_OPTIONS)
    return answer_options(r, headers, settings_of(directory_config_of(r)).origin, "GET");
  if (r->method_number != M_GET) return HTTP_METHOD_NOT_ALLOWED;
  if (!protocol::wants_websocket(opening_request_of(r, headers))) return refuse_plain(r);
  channels::Conversation made;
  auto own = channels_of(r, path);
  if (const int* refused = std::get_if<int>(&own)) return *refused;
  made.own.channels = std::get<std::vector<std::string>>(std::move(own));
  if (const auto refused = read_subscription(r, headers, made.own)) return *refused;
  made.hub = &child.hub();
  made.gatekeeper = std::make_shared<Questions>(r, location);
  made.most_channels = directory_config_of(r).most_channels.value_or(default_most_channels);
  return open_websocket(r, child, headers, {conversation(), path, std::move(made)});
}

}  // namespace

int serve_channels(request_rec* r, Child& child, std::span<Header> headers, std::string_view path) {
  const auto location = location_of(r, path);
  if (!location) {
    tell_of_no_location(r);
    return refuse(r, HTTP_NOT_FOUND, "This address names no channel.");
  }
  if (channel_by_path(r, path).empty()) return converse(r, child, headers, path, *location);
  if (r->method_number == M_OPTIONS)
    return answer_options(r, headers, settings_of(directory_config_of(r)).origin, "GET, POST");
  const protocol::HeaderFields fields(headers);
  const bool follows = r->method_number == M_GET &&
                       (protocol::wants_websocket(opening_request_of(r, headers)) ||
                        protocol::accepts_event_stream(fields.first("Accept").value_or("")));
  return follows ? subscribe(r, child, headers, path) : publish(r, headers, path);
}

}  // namespace cppwebsocket::httpd
