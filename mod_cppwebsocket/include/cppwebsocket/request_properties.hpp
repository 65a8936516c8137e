// The properties of a request that both handler styles share.
#pragma once

#include <algorithm>
#include <any>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <cppwebsocket/detail/judge.hpp>
#include <cppwebsocket/detail/request_record.hpp>
#include <cppwebsocket/exceptions.hpp>

namespace cppwebsocket {

// A view obtained in web_socket_do_extra_handshake is valid until that function returns; one
// obtained in web_socket_transfer_data, until that has ended. Thread: the one that runs the
// handler, unless a comment says "any".
class RequestProperties {
 public:
  RequestProperties(const RequestProperties&) = delete;
  RequestProperties& operator=(const RequestProperties&) = delete;

  // --- what was asked for ------------------------------------------------------------------

  // The full URI, e.g. "ws://somewhere/foo/bar?x=1": ws or wss, the Host header's authority, the
  // request target.
  std::string_view ws_location() const noexcept { return text(detail::Text::location); }

  // The Origin header as sent, e.g. "http://somewhere"; absent if there was none (other clients
  // than browsers). Compare it as a whole: parts of it prove nothing.
  std::optional<std::string_view> ws_origin() const noexcept {
    return record_.optional_text(detail::Text::origin);
  }

  // The path that selected the handler, e.g. "/foo/bar", and the query behind it without '?'.
  std::string_view ws_resource() const noexcept { return text(detail::Text::resource); }
  std::string_view ws_query() const noexcept { return text(detail::Text::query); }

  // Path and query as the client wrote them.
  std::string_view unparsed_uri() const noexcept { return text(detail::Text::unparsed_uri); }

  Version ws_version() const noexcept { return record_.version; }

  // A request header (case-insensitive name; several of one name are joined by ", "), or none.
  std::optional<std::string_view> header(std::string_view name) const noexcept {
    return find(headers(), name);
  }
  HeaderList headers() const noexcept { return HeaderList(text(detail::Text::headers)); }

  // A variable of httpd's request environment (SetEnv, SSLOptions +StdEnvVars, …), or none. During
  // the handshake it also finds what httpd can compute on demand, and what was asked for then is
  // still there afterwards: of a TLS connection SSL_PROTOCOL, SSL_CLIENT_VERIFY, SSL_CLIENT_S_DN,
  // SSL_CLIENT_CERT (PEM) and all others of mod_ssl's, without SSLOptions +StdEnvVars.
  std::optional<std::string_view> env(std::string_view name) {
    if (auto value = find(HeaderList(text(detail::Text::environment)), name)) return value;
    if (!record_.handshake || !record_.server) return std::nullopt;
    return record_.server->variable(record_, name);
  }

  // The client's address, after mod_remoteip; and ours. "192.0.2.1:1234" or "[2001:db8::1]:1234".
  std::string_view remote_address() const noexcept { return text(detail::Text::remote_address); }
  std::string_view local_address() const noexcept { return text(detail::Text::local_address); }

  // The user that httpd authenticated; empty if nobody had to.
  std::string_view user() const noexcept { return text(detail::Text::user); }

  bool is_https() const noexcept { return record_.secure; }

  // A number that is unique in this child process, as in the error log.
  std::uint64_t id() const noexcept { return record_.id; }

  // --- subprotocol and extensions ----------------------------------------------------------

  // The subprotocols that the client offered, best first. During the handshake; empty later.
  std::span<const std::string_view> ws_requested_protocols() const noexcept {
    if (!record_.handshake) return {};
    return record_.handshake->requested_protocols;
  }

  // The subprotocol in use, or none. In web_socket_do_extra_handshake: the one chosen so far.
  std::optional<std::string_view> ws_protocol() const noexcept {
    if (!record_.handshake) return record_.optional_text(detail::Text::protocol);
    if (!record_.handshake->protocol_chosen) return std::nullopt;
    return record_.handshake->protocol;
  }

  // Chooses a subprotocol. Raises BadOperationException if the client did not offer it, or
  // after the handshake. RFC 6455 §4.2.2 /subprotocol/.
  void set_ws_protocol(std::string_view protocol) {
    auto& handshake = during_handshake("set_ws_protocol");
    const auto& offered = handshake.requested_protocols;
    if (std::find(offered.begin(), offered.end(), protocol) == offered.end())
      throw BadOperationException("the client did not offer the subprotocol " +
                                  std::string(protocol));
    handshake.protocol = protocol;
    handshake.protocol_chosen = true;
  }

  // Chooses the first of `supported` that the client offered and returns it; if there is none,
  // goes on without a subprotocol and returns nothing.
  std::optional<std::string_view> select_ws_protocol(
      std::initializer_list<std::string_view> supported) {
    auto& handshake = during_handshake("select_ws_protocol");
    for (auto protocol : supported)
      for (auto offered : handshake.requested_protocols)
        if (offered == protocol) {
          set_ws_protocol(protocol);
          return offered;
        }
    decline_ws_protocols();
    return std::nullopt;
  }

  // Goes on without a subprotocol although the client offered some. A handler that is offered
  // subprotocols and calls none of these three refuses the handshake with 400.
  void decline_ws_protocols() {
    auto& handshake = during_handshake("decline_ws_protocols");
    handshake.protocol_chosen = false;
    handshake.protocol_declined = true;
  }

  // The extensions that the client offered, parsed. During the handshake; empty later.
  std::span<const ExtensionOffer> ws_requested_extensions() const noexcept {
    if (!record_.handshake) return {};
    return record_.handshake->requested_extensions;
  }

  // The extensions in use as the handshake's answer named them; empty before, and if there are none.
  std::string_view ws_extensions() const noexcept { return text(detail::Text::extensions); }

  // True if messages are compressed on the wire (RFC 7692).
  bool ws_deflate() const noexcept { return record_.deflate; }

  // Accepts no extension on this connection. Raises BadOperationException after the handshake.
  void disable_ws_extensions() { during_handshake("disable_ws_extensions").extensions_enabled = false; }

  // draft-76 only, during the handshake: the 16 bytes of the challenge, and their MD5.
  std::string_view ws_challenge() const noexcept {
    return record_.handshake ? std::string_view(record_.handshake->challenge) : std::string_view();
  }
  std::string_view ws_challenge_md5() const noexcept {
    return record_.handshake ? std::string_view(record_.handshake->challenge_md5)
                             : std::string_view();
  }

  // --- what the answer carries ----------------------------------------------------------------

  // Adds a header to the 101 response, e.g. Set-Cookie; several of one name are kept. Raises
  // BadOperationException after the handshake, for a name that is no HTTP token or that the
  // handshake itself owns (Upgrade, Connection, Sec-WebSocket-…), and for control characters.
  void add_header(std::string_view name, std::string_view value) {
    auto& handshake = during_handshake("add_header");
    if (!is_header_name(name) || owned_by_handshake(name))
      throw BadOperationException("this header name cannot be added: " + std::string(name));
    if (std::any_of(value.begin(), value.end(),
                    [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; }))
      throw BadOperationException("control character in the value of header " + std::string(name));
    handshake.response_headers.emplace_back(name, value);
  }

  // --- limits ---------------------------------------------------------------------------------

  const ConnectionLimits& limits() const noexcept { return record_.limits; }

  // Lowers the largest message accepted (bytes, after inflating; more closes with 1009). Never
  // raises it. Raises BadOperationException after the handshake.
  void limit_message_size(std::size_t bytes) {
    during_handshake("limit_message_size");
    auto& most = record_.limits.max_message_size;
    most = static_cast<std::uint32_t>(std::min<std::size_t>(most, bytes));
  }

  // Messages of any size: msgutil::receive_fragment gives a part of a message as soon as it is here. While the
  // handler takes none, some 64 KiB wait for it and the peer is not read from, so that is what a message takes
  // of memory, compressed or not, however large it is. A message of more than `max_message_size` bytes
  // (after inflating) closes with 1009, and before its payload if its frame says so: that bounds what the
  // handler does with it. WebSocketMaxMessageSize (or limit_message_size) then applies to what
  // receive_message gathers. Raises BadOperationException after the handshake.
  void receive_in_fragments(std::size_t max_message_size) {
    during_handshake("receive_in_fragments").largest_in_fragments = max_message_size;
  }

  // Closes the connection with 1001 after this long without a message either way. Only ever
  // shortens. Raises BadOperationException after the handshake, or for a duration below 1 ms.
  void limit_idle_time(std::chrono::milliseconds idle) {
    during_handshake("limit_idle_time");
    tighten(record_.limits.idle_timeout, idle);
  }

  // Pings an idle peer this often, at least. Only ever shortens. Raises as limit_idle_time.
  void limit_ping_interval(std::chrono::milliseconds interval) {
    during_handshake("limit_ping_interval");
    tighten(record_.limits.ping_interval, interval);
  }

  // --- how it stands --------------------------------------------------------------------------

  // Thread: any.
  ReadyState ready_state() const noexcept { return record_.state.load(std::memory_order_acquire); }
  bool client_terminated() const noexcept { return record_.client_terminated.load(); }  // Close came
  bool server_terminated() const noexcept { return record_.server_terminated.load(); }  // Close went

  // How the connection ended: the peer's code; 1005 if its Close had none; 1006 if no Close came;
  // 1001 if the server stops or the connection was idle for too long; none while it is open. And the reason that came with it. Thread: any.
  std::optional<CloseCode> ws_close_code() const noexcept {
    const CloseCode code = record_.close_code.load(std::memory_order_acquire);
    return code == 0 ? std::nullopt : std::optional(code);
  }
  std::string_view ws_close_reason() const noexcept {
    const bool has_reason = ws_close_code() && record_.seldom;
    return has_reason ? std::string_view(record_.seldom->close_reason) : std::string_view();
  }

  // Bytes accepted for sending and not yet handed to the kernel. Thread: any.
  std::size_t buffered_amount() const noexcept {
    return record_.buffered.load(std::memory_order_relaxed);
  }

  // --- the handler's own ----------------------------------------------------------------------

  // A slot that carries anything from web_socket_do_extra_handshake to web_socket_transfer_data.
  std::any& user_data() noexcept { return record_.user_data; }

  // Called with the body of each ping or pong that arrives; the pong in answer is sent anyway. Set
  // them in web_socket_do_extra_handshake. They run on the connection's event thread and must not
  // block: what waits raises BadOperationException there. What they raise is treated as raised by
  // web_socket_transfer_data.
  void on_ping_handler(std::function<void(std::string_view)> handler) {
    during_handshake("on_ping_handler");
    record_.make_seldom().on_ping = std::move(handler);
  }
  void on_pong_handler(std::function<void(std::string_view)> handler) {
    during_handshake("on_pong_handler");
    record_.make_seldom().on_pong = std::move(handler);
  }

  // Writes a line to the virtual host's error log, with this connection's id and handler.
  // Thread: any.
  void log(LogLevel level, std::string_view text) const {
    if (record_.server) record_.server->log(record_, level, text);
  }
  // Whether such a line would be written (LogLevel): for texts that are dear to put together.
  // Thread: any.
  bool logs(LogLevel level) const noexcept { return record_.server && record_.server->logs(level); }
  void log_error(std::string_view text) const { log(LogLevel::error, text); }

  // httpd's request_rec, for those who must; during the handshake, null later.
  void* httpd_request() const noexcept {
    return record_.handshake ? record_.handshake->httpd_request : nullptr;
  }

 protected:
  explicit RequestProperties(detail::RequestRecord& record) noexcept : record_(record) {}
  ~RequestProperties() = default;

  detail::RequestRecord& record() noexcept { return record_; }

  // For is_allowed.
  detail::Judge& judge_of(std::string_view method, std::string_view path) const {
    if (record_.handshake) throw BadOperationException("is_allowed works only once the connection is open");
    if (!path.starts_with('/')) throw BadOperationException("is_allowed takes a path that begins with /");
    if (!is_header_name(method)) throw BadOperationException("this is no method: " + std::string(method));
    if (!record_.seldom || !record_.seldom->judge) throw BadOperationException("nobody can be asked for this handler");
    return *record_.seldom->judge;
  }

 private:
  static constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  static bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
  }
  static std::optional<std::string_view> find(HeaderList headers,
                                              std::string_view name) noexcept {
    for (const Header header : headers)
      if (equal_ignoring_case(header.name, name)) return header.value;
    return std::nullopt;
  }
  static bool is_header_name(std::string_view name) noexcept {
    constexpr std::string_view separators = "()<>@,;:\\\"/[]?={} \t";
    return !name.empty() && std::all_of(name.begin(), name.end(), [&](unsigned char c) {
      return c > 0x20 && c < 0x7f && separators.find(static_cast<char>(c)) == separators.npos;
    });
  }
  static bool owned_by_handshake(std::string_view name) noexcept {
    for (std::string_view owned :
         {"Upgrade", "Connection", "Content-Length", "Transfer-Encoding", "Trailer"})
      if (equal_ignoring_case(name, owned)) return true;
    for (std::string_view prefix : {"Sec-WebSocket-", "WebSocket-"})
      if (equal_ignoring_case(name.substr(0, prefix.size()), prefix)) return true;
    return false;
  }
  static void tighten(ConnectionLimits::Time& limit, std::chrono::milliseconds wanted) {
    if (wanted < std::chrono::milliseconds(1))
      throw BadOperationException("a limit must be at least 1 ms");
    if (limit.count() == 0 || wanted < limit) limit = wanted;
  }

  std::string_view text(detail::Text which) const noexcept { return record_.text(which); }

  detail::HandshakeRecord& during_handshake(const char* what) {
    if (!record_.handshake)
      throw BadOperationException(std::string(what) + " works only during the handshake");
    return *record_.handshake;
  }

  detail::RequestRecord& record_;
};

}  // namespace cppwebsocket
