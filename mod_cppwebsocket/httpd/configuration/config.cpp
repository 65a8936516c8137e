#include "httpd/configuration/config.hpp"

#include "httpd/module.hpp"
#include "httpd/pool.hpp"

#include <ap_mpm.h>
#include <apr_tables.h>

#include <algorithm>
#include <string_view>
#include <thread>
#include <type_traits>

#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

using std::chrono::milliseconds;

// The defaults, once. The help texts of the directives quote them.
constexpr OriginPolicy default_origin{};  // Same
constexpr bool default_legacy_protocols = false;
constexpr std::size_t default_max_message_size = 1 << 20;
constexpr std::size_t default_send_buffer_size = 64 << 10;
constexpr milliseconds default_ping_interval{30'000};
constexpr milliseconds default_idle_timeout{0};
constexpr milliseconds default_close_timeout{5'000};
constexpr milliseconds default_message_timeout{300'000};
constexpr milliseconds default_blocking_idle_timeout{3'600'000};  // each holds a thread
constexpr std::size_t most_default_threads = 4;

static_assert(std::is_trivially_destructible_v<DirectoryConfig>);
static_assert(std::is_trivially_destructible_v<ServerConfig>);

template <typename T>
void inherit(std::optional<T>& inner, const std::optional<T>& outer) noexcept {
  if (!inner) inner = outer;
}

bool is_same_limit(const ClientLimit& a, const ClientLimit& b) noexcept {
  return a.kind == b.kind && std::string_view(a.key) == b.key;
}

// The outer ones that are not listed inside, and those that are.
void inherit(apr_pool_t* pool, std::optional<ClientLimits>& inner, const std::optional<ClientLimits>& outer) {
  if (!inner) inner = outer;
  if (!outer || inner->no_others || inner->listed.data() == outer->listed.data()) return;
  auto* const all = static_cast<ClientLimit*>(
      apr_palloc(pool, sizeof(ClientLimit) * (inner->listed.size() + outer->listed.size())));
  ClientLimit* end = std::copy(inner->listed.begin(), inner->listed.end(), all);
  for (const ClientLimit& each : outer->listed)
    if (std::none_of(inner->listed.begin(), inner->listed.end(),
                     [&](const ClientLimit& own) { return is_same_limit(own, each); }))
      *end++ = each;
  inner->no_others = outer->no_others;
  inner->listed = {all, end};
}

}  // namespace

Settings settings_of(const DirectoryConfig& config) noexcept {
  Settings settings;
  settings.origin = config.origin.value_or(default_origin);
  settings.legacy_protocols = config.legacy_protocols.value_or(default_legacy_protocols);
  settings.limits.max_message_size = config.max_message_size.value_or(default_max_message_size);
  settings.limits.send_buffer_size = config.send_buffer_size.value_or(default_send_buffer_size);
  settings.limits.ping_interval = config.ping_interval.value_or(default_ping_interval);
  settings.limits.idle_timeout = config.idle_timeout.value_or(default_idle_timeout);
  settings.limits.close_timeout = config.close_timeout.value_or(default_close_timeout);
  settings.message_timeout = config.message_timeout.value_or(default_message_timeout);
  settings.pace = config.pace.value_or(runtime::PaceLimits());
  settings.compression = config.compression.value_or(protocol::DeflatePolicy());
  return settings;
}

void limit_blocking(Settings& settings, const DirectoryConfig& config) noexcept {
  if (!config.idle_timeout) settings.limits.idle_timeout = default_blocking_idle_timeout;
}

bool is_threaded() noexcept {
  int threaded = AP_MPMQ_NOT_SUPPORTED;
  return ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded) == APR_SUCCESS &&
         threaded != AP_MPMQ_NOT_SUPPORTED;
}

std::size_t default_threads() noexcept {
  // prefork has a process for every request that is under way, each of which would get as many.
  if (!is_threaded()) return 1;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, most_default_threads);
}

std::size_t default_filter_connections() noexcept {
  // Each holds a thread of the MPM or of mod_http2, which has half as many again. The rest is for
  // ordinary requests.
  int threads = 0;
  ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
  return static_cast<std::size_t>(std::max(threads / 4, 1));
}

std::size_t default_memory() noexcept {
  const long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<std::size_t>(pages) / 2 * static_cast<std::size_t>(size) : 0;
}

bool SaidOnce::is_first(std::string_view name) noexcept {
  const std::uint64_t hash = std::hash<std::string_view>()(name) | 1;
  for (auto& each : hashes_) {
    std::uint64_t found = 0;
    if (each.compare_exchange_strong(found, hash)) return true;
    if (found == hash) return false;
  }
  return false;
}

ServerConfig& config_of(server_rec* server) noexcept {
  return *static_cast<ServerConfig*>(
      ap_get_module_config(server->module_config, &cppwebsocket_module));
}

const DirectoryConfig& directory_config_of(const request_rec* r) noexcept {
  return *static_cast<const DirectoryConfig*>(
      ap_get_module_config(r->per_dir_config, &cppwebsocket_module));
}

void* create_server_config(apr_pool_t* pool, server_rec*) noexcept {
  auto* config = make_in<ServerConfig>(pool);
  config->aliases = apr_array_make(pool, 0, sizeof(Alias));
  return config;
}

void* merge_server_config(apr_pool_t* pool, void* outer_config, void* inner_config) noexcept {
  const auto& outer = *static_cast<const ServerConfig*>(outer_config);
  auto* merged = make_in<ServerConfig>(pool, *static_cast<const ServerConfig*>(inner_config));
  if (!merged->handler_root) merged->handler_root = outer.handler_root;
  merged->aliases = apr_array_append(pool, outer.aliases, merged->aliases);
  inherit(merged->allow_handlers_outside_root, outer.allow_handlers_outside_root);
  inherit(merged->http2, outer.http2);
  inherit(merged->scheme_header, outer.scheme_header);
  if (!merged->logs) merged->logs = outer.logs;
  return merged;
}

void* create_directory_config(apr_pool_t* pool, char*) noexcept {
  return make_in<DirectoryConfig>(pool);
}

void* merge_directory_config(apr_pool_t* pool, void* outer_config, void* inner_config) noexcept {
  const auto& outer = *static_cast<const DirectoryConfig*>(outer_config);
  auto* merged = make_in<DirectoryConfig>(pool, *static_cast<const DirectoryConfig*>(inner_config));
  inherit(merged->origin, outer.origin);
  inherit(merged->legacy_protocols, outer.legacy_protocols);
  inherit(merged->max_message_size, outer.max_message_size);
  inherit(merged->send_buffer_size, outer.send_buffer_size);
  inherit(merged->socket_buffer_size, outer.socket_buffer_size);
  inherit(merged->compression, outer.compression);
  inherit(merged->ping_interval, outer.ping_interval);
  inherit(merged->idle_timeout, outer.idle_timeout);
  inherit(merged->close_timeout, outer.close_timeout);
  inherit(merged->message_timeout, outer.message_timeout);
  inherit(merged->auth_check, outer.auth_check);
  inherit(merged->channels, outer.channels);
  inherit(merged->channel_options, outer.channel_options);
  inherit(merged->tell_publisher, outer.tell_publisher);
  inherit(merged->most_channels, outer.most_channels);
  inherit(pool, merged->client_limits, outer.client_limits);
  inherit(merged->pace, outer.pace);
  inherit(merged->max_age, outer.max_age);
  for (std::size_t i = 0; i < hook_events; ++i) inherit(merged->hooks[i], outer.hooks[i]);
  inherit(merged->hook_secret, outer.hook_secret);
  inherit(merged->hook_authorities, outer.hook_authorities);
  return merged;
}

}  // namespace cppwebsocket::httpd
