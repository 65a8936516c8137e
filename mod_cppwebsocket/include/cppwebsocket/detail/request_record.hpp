// What the server knows of one connection, as the accessors of request.hpp read it. The server
// fills it; handlers use request.hpp instead. Its layout is part of the handler ABI.
#pragma once

#include <any>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cppwebsocket/close.hpp>
#include <cppwebsocket/header_list.hpp>

namespace cppwebsocket {

// The wire format that the client asked for.
enum class Version : std::uint8_t {
  rfc6455,  // Sec-WebSocket-Version: 13
  draft76,  // draft-hixie-thewebsocketprotocol-76, also known as hybi-00
  draft75,  // draft-hixie-thewebsocketprotocol-75, the seed's own
};

// RFC 6455 §4.1 and §7.1: where the connection stands.
enum class ReadyState : std::uint8_t { connecting, open, closing, closed };

enum class LogLevel : std::uint8_t { error, warning, notice, info, debug };

// One element of Sec-WebSocket-Extensions (RFC 6455 §9.1).
struct ExtensionOffer {
  struct Parameter {
    std::string_view name;
    std::optional<std::string_view> value;  // without quotes; absent if there was no '='
  };
  std::string_view name;
  std::vector<Parameter> parameters;
};

// Per-connection limits, from the directives; web_socket_do_extra_handshake may tighten them.
// Zero in ping_interval and idle_timeout means "never".
struct ConnectionLimits {
  std::size_t max_message_size = 1 << 20;               // bytes, after inflating
  std::size_t send_buffer_size = 64 << 10;              // bytes above which senders wait
  std::chrono::milliseconds ping_interval{30'000};      // idle this long: ping; twice: dead
  std::chrono::milliseconds idle_timeout{0};            // no message either way: close 1001
  std::chrono::milliseconds close_timeout{5'000};       // wait for the peer's Close
};

namespace detail {

struct RequestRecord;

// The server's side of the few calls that need it.
class Server {
 public:
  // Thread: any.
  virtual void log(const RequestRecord& record, LogLevel level, std::string_view text) = 0;
  // A variable that httpd can compute now; it also joins record.environment. Valid until the
  // handshake ends. Thread: MPM worker, during the handshake only.
  virtual std::optional<std::string_view> variable(RequestRecord& record,
                                                   std::string_view name) = 0;

 protected:
  ~Server() = default;
};

// What exists from the client's opening handshake until our answer is sent.
struct HandshakeRecord {
  std::vector<std::string_view> requested_protocols;
  std::vector<ExtensionOffer> requested_extensions;
  std::vector<std::pair<std::string, std::string>> response_headers;
  std::string protocol;         // chosen by the handler
  bool protocol_chosen = false;
  bool protocol_declined = false;  // the handler said: none of them
  bool extensions_enabled = true;
  std::string challenge;        // draft-76: the 16 bytes that are hashed
  std::string challenge_md5;    // draft-76: their MD5
  void* httpd_request = nullptr;
};

struct PingPongHooks {
  std::function<void(std::string_view)> on_ping;
  std::function<void(std::string_view)> on_pong;
};

struct RequestRecord {
  std::string_view location;
  std::string_view resource;
  std::string_view query;
  std::string_view unparsed_uri;
  std::string_view remote_address;
  std::string_view local_address;
  std::string_view user;
  std::string_view handler_name;            // e.g. "foo/bar_wsh.so", for the log
  std::optional<std::string_view> origin;
  std::optional<std::string_view> protocol;
  std::string_view extensions;              // as answered, e.g. "permessage-deflate; …"
  std::string_view headers;                 // a packed HeaderList, as the next
  std::string_view environment;
  std::unique_ptr<char[]> text;             // the one block that all of the above point into

  Server* server = nullptr;
  std::uint64_t id = 0;
  ConnectionLimits limits;
  std::unique_ptr<HandshakeRecord> handshake;  // null once our answer is sent
  std::unique_ptr<PingPongHooks> hooks;
  std::any user_data;

  std::unique_ptr<std::string> close_reason;  // written before close_code, then never again
  std::atomic<CloseCode> close_code{0};     // 0: the connection has not begun to end
  std::atomic<std::size_t> buffered{0};
  std::atomic<ReadyState> state{ReadyState::connecting};
  std::atomic<bool> client_terminated{false};
  std::atomic<bool> server_terminated{false};
  Version version = Version::rfc6455;
  bool secure = false;
  bool deflate = false;
};

}  // namespace detail
}  // namespace cppwebsocket
