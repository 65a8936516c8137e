// What the server knows of one connection, as the accessors of request.hpp read it. The server
// fills it; handlers use request.hpp instead. Its layout is part of the handler ABI.
#pragma once

#include <any>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
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
  event_stream,  // no WebSocket: Server-Sent Events (SetHandler websocket-subscribe)
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
// Zero in ping_interval and idle_timeout means "never". In few bytes, for each connection has them.
struct ConnectionLimits {
  using Time = std::chrono::duration<std::uint32_t, std::milli>;  // 1000 hours at most

  std::uint32_t max_message_size = 1 << 20;  // bytes, after inflating
  std::uint32_t send_buffer_size = 64 << 10;  // bytes above which senders wait
  Time ping_interval{30'000};                 // idle this long: ping; twice: dead
  Time idle_timeout{0};                       // no message either way: close 1001
  Time close_timeout{5'000};                  // wait for the peer's Close
};

namespace detail {

class Judge;
struct RequestRecord;

// The server's side of the few calls that need it.
class Server {
 public:
  // Thread: any.
  virtual void log(const RequestRecord& record, LogLevel level, std::string_view text) = 0;
  virtual bool logs(LogLevel level) const noexcept = 0;
  // A variable that httpd can compute now; it also joins the environment's text. Valid until the
  // handshake ends. Thread: MPM worker, during the handshake only.
  virtual std::optional<std::string_view> variable(RequestRecord& record,
                                                   std::string_view name) = 0;

 protected:
  ~Server() = default;
};

// The texts of a request. Those that others are likely to be parts of come first.
enum class Text : std::uint8_t {
  headers,      // a packed HeaderList
  environment,  // the same
  location,
  unparsed_uri,
  resource,
  query,
  remote_address,
  local_address,
  user,
  extensions,  // as answered, e.g. "permessage-deflate; …"
  origin,      // may be absent, as the next
  protocol,
};
inline constexpr std::size_t text_count = 12;

// All texts of an open connection in one block: a table of places, then the characters. Most
// blocks are small, and so are their places then; the first byte tells.
class TextBlock {
 public:
  template <typename Number>
  struct Place {
    Number offset;  // from the block's start; 0: absent
    Number size;
  };
  using Tiny = Place<std::uint8_t>;
  using Small = Place<std::uint16_t>;
  using Large = Place<std::uint32_t>;
  template <typename Place>
  static constexpr std::size_t header_size = 1 + text_count * sizeof(Place);

  TextBlock() = default;
  explicit TextBlock(std::unique_ptr<char[]> bytes) noexcept : bytes_(std::move(bytes)) {}

  // Its data() is null if the text is absent.
  std::string_view operator[](Text text) const noexcept {
    if (!bytes_) return {};
    switch (bytes_[0]) {
      case sizeof(Tiny): return find<Tiny>(text);
      case sizeof(Small): return find<Small>(text);
      default: return find<Large>(text);
    }
  }

 private:
  template <typename Place>
  std::string_view find(Text text) const noexcept {
    Place place;
    std::memcpy(&place, &bytes_[1 + static_cast<std::size_t>(text) * sizeof place], sizeof place);
    if (place.offset == 0) return {};
    return {&bytes_[place.offset], place.size};
  }

  std::unique_ptr<char[]> bytes_;
};

// What exists from the client's opening handshake until our answer is sent.
struct HandshakeRecord {
  std::array<std::string_view, text_count> texts;  // in httpd's memory; data() is null: absent
  std::vector<std::string_view> requested_protocols;
  std::vector<ExtensionOffer> requested_extensions;
  std::vector<std::pair<std::string, std::string>> response_headers;
  std::string protocol;         // chosen by the handler
  bool protocol_chosen = false;
  bool protocol_declined = false;  // the handler said: none of them
  bool extensions_enabled = true;
  std::optional<std::size_t> largest_in_fragments;  // bytes; none: messages come whole
  std::string challenge;        // draft-76: the 16 bytes that are hashed
  std::string challenge_md5;    // draft-76: their MD5
  void* httpd_request = nullptr;
};

// What few connections have, and most only at their end.
struct SeldomRecord {
  std::function<void(std::string_view)> on_ping;
  std::function<void(std::string_view)> on_pong;
  std::string close_reason;  // written before close_code, then never again
  std::shared_ptr<void> places;  // that Channel::reserve took, until they are joined
  std::chrono::nanoseconds longest_wait{0};  // of what was sent, for the peer to take it
  std::uint64_t dropped = 0;                 // messages for it, by a SlowPolicy
  std::shared_ptr<Judge> judge;  // null: nobody asks whether something is allowed
};

struct RequestRecord {
  std::string_view text(Text which) const noexcept {
    return handshake ? handshake->texts[static_cast<std::size_t>(which)] : texts[which];
  }
  std::optional<std::string_view> optional_text(Text which) const noexcept {
    const std::string_view found = text(which);
    return found.data() ? std::optional(found) : std::nullopt;
  }
  SeldomRecord& make_seldom() {
    if (!seldom) seldom = std::make_unique<SeldomRecord>();
    return *seldom;
  }
  // During the handshake only. `value` is to live until that ends.
  void set_text(Text which, std::string_view value) noexcept {
    handshake->texts[static_cast<std::size_t>(which)] = value.data() ? value : std::string_view("");
  }

  TextBlock texts;                          // empty during the handshake
  const std::string* handler_name = nullptr;  // e.g. "foo/bar_wsh.so", for the log
  Server* server = nullptr;
  std::uint64_t id = 0;
  std::unique_ptr<HandshakeRecord> handshake;  // null once our answer is sent
  std::unique_ptr<SeldomRecord> seldom;
  std::any user_data;

  std::atomic<std::size_t> buffered{0};
  ConnectionLimits limits;
  std::atomic<CloseCode> close_code{0};     // 0: the connection has not begun to end
  std::atomic<ReadyState> state{ReadyState::connecting};
  std::atomic<bool> client_terminated{false};
  std::atomic<bool> server_terminated{false};
  Version version = Version::rfc6455;
  bool secure = false;
  bool deflate : 1 = false;
  std::uint8_t way : 2 = 0;  // how it came from httpd: the server's own numbers
  std::uint8_t counted : 2 = 0;  // what it takes of what its client may have: the same
  std::uint32_t place = static_cast<std::uint32_t>(-1);  // where its event loop keeps it
};

}  // namespace detail
}  // namespace cppwebsocket
