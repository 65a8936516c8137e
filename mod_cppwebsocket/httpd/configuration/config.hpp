// What the directives say: per server and per directory, how they are inherited, and the defaults.
// Lives in httpd's configuration pools. Immutable once requests are served.
#pragma once

#include "httpd/configuration/warnings.hpp"
#include "httpd/connection_log/writer.hpp"
#include "protocol/frames/deflate.hpp"
#include "runtime/handlers/library.hpp"
#include "runtime/handlers/load_notes.hpp"
#include "runtime/limits/pace.hpp"

#include <cppwebsocket/close.hpp>
#include <cppwebsocket/publication.hpp>

#include <ap_expr.h>
#include <apr_tables.h>
#include <httpd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace cppwebsocket::httpd {

// Which web pages may connect. From WebSocketOrigin.
struct OriginPolicy {
  bool any = false;
  bool same = true;
  std::span<const char* const> listed;  // serialized origins; in a pool
};

// What a client may have of the whole httpd, or of each child. From WebSocketLimit; each name is a limit of its own.
struct ClientLimit {
  enum class Kind : std::uint8_t { connections, blocking, handshakes };

  Kind kind = Kind::connections;
  const char* key = nullptr;             // as it is written
  ap_expr_info_t* expression = nullptr;  // null: the client's address
  // Where it stands: what is counted is counted for that place. The path of a <Location> or its like, and
  // whether it is inside of a virtual host.
  const char* place = "";
  bool is_of_host = false;
  bool is_share = false;    // `count` is per cent of what a child has
  bool only_public = false;  // addresses that are not of a private network
  std::uint32_t count = 0;  // 0: no limit
  std::chrono::milliseconds time{};  // of handshakes
};
struct ClientLimits {
  bool no_others = false;  // WebSocketLimit None: nothing is inherited, and no default
  std::span<const ClientLimit> listed;
};
inline constexpr std::uint32_t default_client_share = 75;  // per cent, for one public address

// How long a connection may be open. From WebSocketMaxAge.
struct MaxAge {
  std::chrono::milliseconds time{};      // 0: Off, or
  ap_expr_info_t* expression = nullptr;  // which gives seconds, or seconds since the epoch
  CloseCode code = close_code::policy_violation;
};

// How often httpd is asked again about an open connection. From WebSocketAuthCheck.
struct AuthCheck {
  std::chrono::milliseconds interval{0};  // 0: never
  CloseCode code = close_code::policy_violation;
  std::chrono::milliseconds longest_unknown{0};  // 0: it stays for as long as it cannot be found out
};

// What an application is asked about or told of, and where it is. From WebSocketHook.
enum class HookEvent : std::uint8_t { connect, disconnect, subscribe, publish, message };
inline constexpr std::size_t hook_events = 5;
struct HookTarget {
  const char* url = nullptr;  // one that is valid; null: None
  std::chrono::milliseconds time{3'000};
  bool open = false;
};

// Unset values are inherited from the enclosing section. httpd merges one of these per request,
// so it owns no memory.
struct DirectoryConfig {
  std::optional<OriginPolicy> origin;
  std::optional<bool> legacy_protocols;
  std::optional<std::size_t> max_message_size;  // bytes
  std::optional<std::size_t> send_buffer_size;  // bytes
  std::optional<std::size_t> socket_buffer_size;  // bytes; 0: Auto, as if unset
  std::optional<protocol::DeflatePolicy> compression;
  std::optional<std::chrono::milliseconds> ping_interval;  // 0: off
  std::optional<std::chrono::milliseconds> idle_timeout;   // 0: off
  std::optional<std::chrono::milliseconds> close_timeout;
  std::optional<std::chrono::milliseconds> message_timeout;  // 0: off
  std::optional<AuthCheck> auth_check;
  std::optional<std::span<ap_expr_info_t* const>> channels;  // each gives a channel's name
  std::optional<ChannelOptions> channel_options;  // what they keep
  std::optional<bool> tell_publisher;
  std::optional<std::size_t> most_channels;  // on one connection
  std::optional<ClientLimits> client_limits;
  std::optional<runtime::PaceLimits> pace;  // without counts: Off
  std::optional<MaxAge> max_age;
  std::array<std::optional<HookTarget>, hook_events> hooks;  // by HookEvent
  std::optional<const char*> hook_secret;       // null: None, not signed
  std::optional<const char*> hook_authorities;  // PEM; null: the system's
};

// A request's settings, with defaults.
struct Settings {
  OriginPolicy origin;
  bool legacy_protocols;
  ConnectionLimits limits;
  std::chrono::milliseconds message_timeout;
  protocol::DeflatePolicy compression;
  runtime::PaceLimits pace;
};
Settings settings_of(const DirectoryConfig& config) noexcept;
// What is otherwise for a blocking handler.
void limit_blocking(Settings& settings, const DirectoryConfig& config) noexcept;

struct Alias {
  const char* path;
  const char* resource;
};

// What a graceful end of a child does with its connections. From WebSocketDrainTimeout.
struct DrainConfig {
  std::chrono::milliseconds time;
  bool keep_serving;
  CloseCode code;
};

// From the directives that are global; only the main server's count.
struct ChildConfig {
  std::optional<std::size_t> threads;
  std::optional<std::size_t> blocking_threads;
  std::optional<std::size_t> max_connections;     // unset: Auto
  std::optional<DrainConfig> drain;               // unset: as in runtime::StopPlan
  std::optional<std::size_t> filter_connections;  // unset: Auto
  std::optional<std::size_t> memory;              // bytes; unset: Auto; 0: Off
  std::optional<std::chrono::milliseconds> stall_warning;  // 0: off; unset: as in runtime::WatchdogOptions
  std::optional<std::chrono::milliseconds> stall_timeout;  // the same
  const char* backplane = nullptr;           // a URL that is valid; null: none
  const char* backplane_password = nullptr;  // null: none
  const char* backplane_user = nullptr;      // of the same file; null: as the URL says
  const char* backplane_authorities = nullptr;  // PEM; null: the system's
  const char* backplane_certificate = nullptr;  // and key, PEM; null: none
  bool backplane_verify = true;
  const char* backplane_prefix = nullptr;    // one that is valid; null: none
  std::optional<std::size_t> channel_memory;  // bytes
  const char* handler_copies = nullptr;       // a directory; "": none, null: the default
  bool has_hooks = false;                     // somewhere in this host
};
inline constexpr std::size_t default_most_channels = 100;  // on one connection
inline constexpr std::size_t default_channel_memory = 64 << 20;  // bytes
inline constexpr std::size_t least_channel_memory = 1 << 20;
inline constexpr std::size_t most_channel_memory = std::size_t{64} << 30;
inline constexpr std::size_t default_blocking_threads = 64;
std::size_t default_threads() noexcept;             // of the MPM and machine; call it in the child
std::size_t default_filter_connections() noexcept;  // the same
std::size_t default_memory() noexcept;              // of the machine
bool is_threaded() noexcept;                        // the MPM: not prefork

class VirtualHost;

// What need be said once only. In shared memory; of more names than it has room for, none is first.
class SaidOnce {
 public:
  bool is_first(std::string_view name) noexcept;

 private:
  std::array<std::atomic<std::uint64_t>, 16> hashes_{};  // 0: free
};

// In memory that all children of this generation share, and write.
struct GenerationMemory {
  // The child that sets it says what need not be said by every child.
  std::atomic<bool> first_child_claimed{false};
  runtime::LoadNotes load_notes;
  Warnings warnings;
  SaidOnce filters;  // CWS0062
};

struct ServerConfig {
  const char* handler_root = nullptr;     // absolute
  apr_array_header_t* aliases = nullptr;  // of Alias; later ones win
  std::optional<bool> allow_handlers_outside_root;
  std::optional<bool> http2;
  std::optional<const char*> scheme_header;  // a field's name; null: None
  apr_array_header_t* logs = nullptr;  // of ConnectionLog; null: as outside
  ChildConfig child;

  // Made of the above once all is read (start_up.cpp).
  const runtime::HandlerRoot* root = nullptr;  // null: no handlers in this host
  VirtualHost* host = nullptr;
  GenerationMemory* generation = nullptr;  // main server only
  // Main server only, and made in each child: where its copies of handlers are. Null: in memory,
  // and why, if that is not as it is wanted.
  runtime::CopyDirectory* copies = nullptr;
  const char* no_copies = nullptr;
};

ServerConfig& config_of(server_rec* server) noexcept;
const DirectoryConfig& directory_config_of(const request_rec* r) noexcept;

// For the module record.
void* create_server_config(apr_pool_t* pool, server_rec* server) noexcept;
void* merge_server_config(apr_pool_t* pool, void* outer, void* inner) noexcept;
void* create_directory_config(apr_pool_t* pool, char* directory) noexcept;
void* merge_directory_config(apr_pool_t* pool, void* outer, void* inner) noexcept;

}  // namespace cppwebsocket::httpd
