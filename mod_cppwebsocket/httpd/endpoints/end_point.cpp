#include "httpd/endpoints/end_point.hpp"

#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "protocol/opening/header_fields.hpp"

#include <cppwebsocket/channel.hpp>

#include <http_core.h>

#include <optional>

namespace cppwebsocket::httpd {

namespace {

constexpr std::string_view publish_handler = "websocket-publish";
constexpr std::string_view subscribe_handler = "websocket-subscribe";

bool is_below(std::string_view path, std::string_view location) noexcept {
  return path.starts_with(location) && (location.ends_with('/') || path.size() == location.size() ||
                                        path[location.size()] == '/');
}

// SetHandler takes an expression, as a rule a constant one.
bool sets_handler_of(request_rec* r, const core_dir_config* section) {
  const char* error = nullptr;
  const std::string_view handler = section->expr_handler
                                       ? view(ap_expr_str_exec(r, section->expr_handler, &error))
                                       : view(section->handler);
  return !error && protocol::equal_ignoring_case(handler, view(r->handler));
}

// The path of the last <Location> around the request that has its SetHandler: httpd merges them in
// their order, so it is this one's that holds.
std::optional<std::string_view> location_of(request_rec* r, std::string_view path) {
  const auto* server =
      static_cast<const core_server_config*>(ap_get_core_module_config(r->server->module_config));
  std::optional<std::string_view> found;
  auto** sections = reinterpret_cast<ap_conf_vector_t**>(server->sec_url->elts);
  for (int i = 0; i < server->sec_url->nelts; ++i) {
    const auto* section =
        static_cast<const core_dir_config*>(ap_get_core_module_config(sections[i]));
    if (!section->r && !section->d_is_fnmatch && is_below(path, view(section->d)) &&
        sets_handler_of(r, section))
      found = view(section->d);
  }
  return found;
}

bool may_be_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= max_channel_name;
}

// One name only, whatever is in it: so a <Location> guards the channels below it.
std::vector<std::string> channels_by_path(request_rec* r, std::string_view path) {
  const auto location = location_of(r, path);
  if (!location) {
    log_request(r, APLOG_ERR,
                "CWS0044: this SetHandler is outside of <Location>, so that the path names no "
                "channel: use WebSocketChannel");
    return {};
  }
  std::string_view name = path.substr(location->size());
  if (name.starts_with('/')) name.remove_prefix(1);
  if (!may_be_name(name)) return {};
  return {std::string(name)};
}

}  // namespace

EndPoint end_point_of(const request_rec* r) noexcept {
  const std::string_view handler = view(r->handler);
  if (handler == publish_handler) return EndPoint::publish;
  return handler == subscribe_handler ? EndPoint::subscribe : EndPoint::none;
}

std::vector<std::string> channels_of(request_rec* r, std::string_view path) {
  const auto& expressions = directory_config_of(r).channels;
  if (!expressions) return channels_by_path(r, path);
  std::vector<std::string> names;
  for (ap_expr_info_t* expression : *expressions) {
    const char* error = nullptr;
    const std::string_view name = view(ap_expr_str_exec(r, expression, &error));
    if (error)
      log_request(r, APLOG_ERR, std::string("CWS0045: WebSocketChannel: ") + error);
    else if (may_be_name(name))  // the empty text: no channel, on this condition
      names.emplace_back(name);
  }
  return names;
}

ChannelOptions channel_options_of(const request_rec* r) noexcept {
  return directory_config_of(r).channel_options.value_or(ChannelOptions());
}

}  // namespace cppwebsocket::httpd
