#include "httpd/endpoints/end_point.hpp"

#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/answer.hpp"
#include "httpd/request/rewriting.hpp"
#include "protocol/opening/header_fields.hpp"

#include <cppwebsocket/channel.hpp>

#include <http_core.h>

#include <cstddef>
#include <iterator>
#include <optional>

namespace cppwebsocket::httpd {

namespace {

// In EndPoint's order.
constexpr const char* handlers[] = {"",
                                    "websocket-publish",
                                    "websocket-subscribe",
                                    "websocket-channels",
                                    "websocket-client",
                                    "websocket-metrics",
                                    "websocket-admin",
                                    "websocket-dashboard"};

EndPoint end_point_named(std::string_view handler) noexcept {
  for (std::size_t i = 1; i < std::size(handlers); ++i)
    if (handler == handlers[i]) return static_cast<EndPoint>(i);
  return EndPoint::none;
}

bool is_below(std::string_view path, std::string_view location) noexcept {
  return path.starts_with(location) && (location.ends_with('/') || path.size() == location.size() ||
                                        path[location.size()] == '/');
}

// By SetHandler, which takes an expression, as a rule a constant one. Empty if it sets none.
std::string_view handler_of(request_rec* r, const core_dir_config* section) {
  const char* error = nullptr;
  const std::string_view handler = section->expr_handler
                                       ? view(ap_expr_str_exec(r, section->expr_handler, &error))
                                       : view(section->handler);
  return error ? std::string_view() : handler;
}

// An expression that is empty, or fails, gives none.
std::vector<std::string_view> names_of(request_rec* r, std::string_view path) {
  const auto& expressions = directory_config_of(r).channels;
  const bool is_conversation = end_point_of(r) == EndPoint::channels;
  if (!expressions || (is_conversation && !channel_by_path(r, path).empty())) {
    if (!location_of(r, path)) tell_of_no_location(r);
    return {channel_by_path(r, path)};
  }
  std::vector<std::string_view> names;
  for (ap_expr_info_t* expression : *expressions) {
    const char* error = nullptr;
    names.push_back(view(ap_expr_str_exec(r, expression, &error)));
    if (!error) continue;
    log_request(r, APLOG_ERR, std::string("CWS0045: WebSocketChannel: ") + error);
    names.pop_back();
  }
  return names;
}

// WebSocketHook connect: the application may name channels.
bool names_others(const request_rec* r) {
  const auto& hook = directory_config_of(r).hooks[static_cast<std::size_t>(HookEvent::connect)];
  return hook && hook->url && end_point_of(const_cast<request_rec*>(r)) == EndPoint::subscribe;
}

// Quoted, of what a stranger wrote as much as a line needs.
std::string quoted(std::string_view name) {
  return "\"" + std::string(name.substr(0, 200)) + (name.size() > 200 ? "...\"" : "\"");
}

}  // namespace

EndPoint end_point_of(request_rec* r) {
  if (r->handler && !is_rewritten(r)) return end_point_named(view(r->handler));
  const auto* merged =
      static_cast<const core_dir_config*>(ap_get_core_module_config(r->per_dir_config));
  return end_point_named(handler_of(r, merged));
}

const char* name_of(EndPoint end_point) noexcept {
  return handlers[static_cast<std::size_t>(end_point)];
}

std::optional<std::string_view> location_of(request_rec* r, std::string_view path) {
  const auto* server =
      static_cast<const core_server_config*>(ap_get_core_module_config(r->server->module_config));
  std::optional<std::string_view> found;
  auto** sections = reinterpret_cast<ap_conf_vector_t**>(server->sec_url->elts);
  for (int i = 0; i < server->sec_url->nelts; ++i) {
    const auto* section =
        static_cast<const core_dir_config*>(ap_get_core_module_config(sections[i]));
    if (!section->r && !section->d_is_fnmatch && is_below(path, view(section->d)) &&
        protocol::equal_ignoring_case(handler_of(r, section), view(r->handler)))
      found = view(section->d);
  }
  return found;
}

void tell_of_no_location(request_rec* r) {
  log_request(r, APLOG_ERR,
              "CWS0044: this SetHandler is outside of <Location>, so that the path names no "
              "channel: use WebSocketChannel");
}

std::string_view channel_by_path(request_rec* r, std::string_view path) {
  const auto location = location_of(r, path);
  if (!location) return {};
  std::string_view name = path.substr(location->size());
  if (name.starts_with('/')) name.remove_prefix(1);
  return name;
}

std::variant<std::vector<std::string>, int> channels_of(request_rec* r, std::string_view path) {
  std::vector<std::string> names;
  for (const std::string_view name : names_of(r, path)) {
    if (name.empty()) continue;
    if (const char* why = detail::why_no_channel_name(name)) {
      const bool is_given = directory_config_of(r).channels.has_value();
      log_request(r, Child::current()->log_level_of(Cause::channel_name),
                  std::string("CWS0056: ") +
                      (is_given ? "an expression of WebSocketChannel" : "the address") + " gives " +
                      quoted(name) + ", and " + why);
      return refuse(r, HTTP_BAD_REQUEST, std::string("Not this address: ") + why + ".");
    }
    names.emplace_back(name);
  }
  const bool may_come_later = end_point_of(r) == EndPoint::channels || names_others(r);
  if (names.empty() && !may_come_later)
    return refuse(r, HTTP_NOT_FOUND, "This address names no channel.");
  return names;
}

ChannelOptions channel_options_of(const request_rec* r) noexcept {
  const DirectoryConfig& config = directory_config_of(r);
  ChannelOptions options = config.channel_options.value_or(ChannelOptions());
  options.tell_publisher = config.tell_publisher.value_or(false);
  return options;
}

}  // namespace cppwebsocket::httpd
