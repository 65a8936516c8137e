#include "httpd/endpoints/channels.hpp"

#include "channels/conversation/conversation.hpp"
#include "channels/members/hub.hpp"
#include "channels/members/json_envelope.hpp"
#include "channels/members/publisher.hpp"
#include "httpd/ask/question.hpp"
#include "httpd/child/application.hpp"
#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/endpoints/end_point.hpp"
#include "httpd/endpoints/hooked_request.hpp"
#include "httpd/endpoints/opening_handshake.hpp"
#include "httpd/endpoints/publish.hpp"
#include "httpd/endpoints/published_message.hpp"
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

#include <cppwebsocket/channel.hpp>

#include <http_protocol.h>
#include <http_request.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace cppwebsocket::httpd {

namespace {

using channels::Access;
using channels::HookAnswer;
using channels::Permission;

// Of one connection, whose <Location> this is.
class Questions final : public channels::Gatekeeper {
 public:
  Questions(request_rec* r, std::string_view location, std::shared_ptr<Application> application, bool on_worker)
      : asker_(r), server_(r->server), location_(location), application_(std::move(application)), on_worker_(on_worker) {
    if (!location_.ends_with('/')) location_ += '/';
  }

  Permission ask(Access access, std::string_view channel) override {
    Permission permission;
    const char* const method = access == Access::publish ? "POST" : "GET";
    const std::string path = location_ + std::string(channel);
    SharedHook hook;
    const auto look = [&](request_rec* r) {
      // "a//b" and "a/../b" are other addresses than they seem.
      if (end_point_of(r) != EndPoint::channels || channel_by_path(r, path_of(r)) != channel) return false;
      permission.options = channel_options_of(r);
      permission.most_bytes = settings_of(directory_config_of(r)).limits.max_message_size;
      hook = hook_of(r, access == Access::publish ? HookEvent::publish : HookEvent::subscribe);
      return true;
    };
    const Asker::Answer answer = asker_.ask(method, path, look);
    permission.word = word_of(answer);
    tell(permission.word, answer, std::string(method) + " " + path);
    if (permission.word != Permission::Word::yes || !hook) return permission;
    if (access == Access::publish)
      permission.each = std::move(hook);
    else
      ask_to_read(*hook, channel, permission);
    return permission;
  }

  Permission ask(const Permission& permission, std::string_view channel, Message& message) override {
    Permission said;
    HookAnswer answer = unanswered();
    if (application_) answer = application_->publish(*permission.each, channel, message, on_worker_);
    follow(*permission.each, answer, said);
    if (answer.message) message = *std::move(answer.message);
    return said;
  }

 private:
  void ask_to_read(const channels::Hook& hook, std::string_view channel, Permission& permission) {
    HookAnswer answer = unanswered();
    if (application_) answer = application_->read(hook, channel, on_worker_);
    follow(hook, answer, permission);
    permission.presence = std::move(answer.presence);
  }

  static HookAnswer unanswered() { return {.word = HookAnswer::Word::none}; }

  static void follow(const channels::Hook& hook, const HookAnswer& answer, Permission& permission) {
    const auto refusal = refusal_of(hook, answer);
    const auto no = answer.word == HookAnswer::Word::no ? Permission::Word::no : Permission::Word::unknown;
    permission.word = refusal ? no : Permission::Word::yes;
    permission.reason = answer.word == HookAnswer::Word::no ? answer.reason : std::string();
  }

  static Permission::Word word_of(const Asker::Answer& answer) noexcept {
    if (answer.word() == Allowed::yes) return Permission::Word::yes;
    if (answer.word() == Allowed::unknown) return Permission::Word::unknown;
    const bool is_none = answer.status == HTTP_NOT_FOUND || answer.status == HTTP_BAD_REQUEST;
    return is_none ? Permission::Word::no_channel : Permission::Word::no;
  }

  void tell(Permission::Word word, const Asker::Answer& answer, const std::string& what) const {
    if (word == Permission::Word::yes) return;
    const bool is_fault = word == Permission::Word::unknown || !answer.why.empty();
    log_server(server_, is_fault ? Child::current()->log_level_of(Cause::question) : APLOG_INFO,
               "CWS0081: a channel is refused to a connection of websocket-channels: " + what +
                   " would be answered with " + std::to_string(answer.status) +
                   (answer.why.empty() ? "" : ", for " + answer.why));
  }

  const Asker asker_;
  server_rec* const server_;
  std::string location_;
  const std::shared_ptr<Application> application_;  // null: none can be asked
  const bool on_worker_;
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

// One message to several channels, ?channel=a&channel=b: to all of them, or where one is refused to none.
class SeveralChannels {
 public:
  SeveralChannels(request_rec* r, Child& child, std::string_view location)
      : r_(r), child_(child), questions_(r, location, Application::of(r, path_of(r)), true) {}

  int publish(std::span<Header> headers) {
    if (const auto refused = refuse_publisher(r_, headers)) return *refused;
    if (apr_table_get(r_->headers_in, "Idempotency-Key") || protocol::query_value(view(r_->args), "messages"))
      return refuse(r_, HTTP_BAD_REQUEST, "Idempotency-Key and messages= are for a POST to the address of one channel.");
    names_ = protocol::query_values(view(r_->args), "channel");
    const std::size_t most = directory_config_of(r_).most_channels.value_or(default_most_channels);
    if (names_.empty() || names_.size() > most)
      return refuse(r_, HTTP_BAD_REQUEST, "Which channels? ?channel=NAME&channel=NAME, of WebSocketChannelsPerConnection at most.");
    if (const auto refused = ask()) return *refused;
    auto read = read_message(r_, protocol::HeaderFields(headers), most_bytes_);
    if (const int* refused = std::get_if<int>(&read)) return *refused;
    auto remarks = read_remarks(r_, std::get<Message>(read));
    if (const int* refused = std::get_if<int>(&remarks)) return *refused;
    remarks_ = std::get<channels::Remarks>(std::move(remarks));
    std::vector<Message> messages(names_.size(), std::get<Message>(read));
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (const auto refused = ask_about(i, messages[i])) return *refused;
    std::string json = "{\"channels\":[";
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (i != 0) json += ',';
      publish(i, messages[i], json);
    }
    ap_set_content_type(r_, "application/json");
    apr_table_setn(r_->headers_out, "Cache-Control", "no-store");
    json.append("]}\n");
    ap_rwrite(json.data(), static_cast<int>(json.size()), r_);
    return OK;
  }

 private:
  std::optional<int> ask() {
    most_bytes_ = settings_of(directory_config_of(r_)).limits.max_message_size;
    for (const std::string& name : names_) {
      Permission said;
      said.word = Permission::Word::no_channel;
      if (Channel::may_be_named(name)) said = questions_.ask(Access::publish, name);
      if (const auto refused = refuse_unless_yes(said, name)) return refused;
      most_bytes_ = std::min(most_bytes_, said.most_bytes);
      permissions_.push_back(std::move(said));
    }
    return std::nullopt;
  }

  std::optional<int> ask_about(std::size_t i, Message& message) {
    if (!permissions_[i].each) return std::nullopt;
    return refuse_unless_yes(questions_.ask(permissions_[i], names_[i], message), names_[i]);
  }

  std::optional<int> refuse_unless_yes(const Permission& said, const std::string& name) {
    if (said.word == Permission::Word::no_channel)
      return refuse(r_, HTTP_BAD_REQUEST, "No channel has an address of this name: " + name);
    if (said.word == Permission::Word::unknown) return HTTP_SERVICE_UNAVAILABLE;
    if (said.word == Permission::Word::no)
      return refuse(r_, HTTP_FORBIDDEN, said.reason.empty() ? "This is not allowed in the channel " + name : said.reason);
    return std::nullopt;
  }

  void publish(std::size_t i, Message message, std::string& json) {
    const PublishResult result = child_.hub().publish(names_[i], permissions_[i].options, std::move(message),
                                                      channels::publisher_of(view(r_->useragent_ip)), remarks_);
    channels::append_json_string(json.append("{\"channel\":"), names_[i]);
    if (!result)
      json.append(",\"error\":").append(result.status == PublishStatus::no_room ? "\"no_room\"" : "\"too_large\"");
    else
      json.append(",\"position\":").append(
          result.position == Position() ? "null" : "\"" + result.position.to_string() + "\"");
    json += '}';
  }

  request_rec* r_;
  Child& child_;
  Questions questions_;
  std::vector<std::string> names_;
  std::vector<Permission> permissions_;
  std::size_t most_bytes_ = 0;
  channels::Remarks remarks_;
};

int converse(request_rec* r, Child& child, std::span<Header> headers, std::string_view path,
             std::string_view location) {
  ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, M_POST, M_OPTIONS, -1);
  if (r->method_number == M_OPTIONS)
    return answer_options(r, headers, settings_of(directory_config_of(r)).origin, "GET, POST");
  if (r->method_number == M_POST) return SeveralChannels(r, child, location).publish(headers);
  if (r->method_number != M_GET) return HTTP_METHOD_NOT_ALLOWED;
  if (!protocol::wants_websocket(opening_request_of(r, headers))) return refuse_plain(r);
  channels::Conversation made;
  auto own = channels_of(r, path);
  if (const int* refused = std::get_if<int>(&own)) return *refused;
  made.own.channels = std::get<std::vector<std::string>>(std::move(own));
  if (const auto refused = read_subscription(r, headers, made.own)) return *refused;
  made.hub = &child.hub();
  auto application = Application::of(r, path);
  made.gatekeeper = std::make_shared<Questions>(r, location, application, false);
  made.most_channels = directory_config_of(r).most_channels.value_or(default_most_channels);
  return open_websocket(r, child, headers, {conversation(), path, std::move(made), std::move(application)});
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
