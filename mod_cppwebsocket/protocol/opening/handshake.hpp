// The opening handshake, server side, in all three wire formats: a request head in, an Opening or
// a refusal out; then the answer's head. RFC 6455 §4.2, draft-76 §5, draft-75 §4.
//
//   parse_opening() → origin policy, handler → complete_opening() → the bytes of the answer
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <cppwebsocket/detail/request_record.hpp>

#include "protocol/opening/digest.hpp"

namespace cppwebsocket::protocol {

// The request head as httpd has parsed it. Borrowed for the call; the Opening refers to it.
struct OpeningRequest {
  std::string_view method;         // "GET"
  int http_version = 1001;         // major * 1000 + minor, as httpd counts
  std::string_view target;         // as sent: path and query
  std::span<const Header> headers; // same-named ones joined by ", " or apart, as they come
  bool secure = false;             // TLS: wss and https
};

struct Opening {
  Version version = Version::rfc6455;
  std::string_view key;                            // RFC 6455: Sec-WebSocket-Key
  std::string_view host;                           // Host, or an absolute target's authority
  std::optional<std::string_view> origin;          // Origin as sent
  std::vector<std::string_view> protocols;         // offered subprotocols, in order; a draft's
                                                   // only one, which may contain spaces
  std::vector<ExtensionOffer> extensions;          // offered extensions, in order
  std::string location;                            // ws[s]://host/target
  std::uint32_t key_number_1 = 0;                  // draft-76: from Sec-WebSocket-Key1 and 2
  std::uint32_t key_number_2 = 0;
  bool needs_key3 = false;                         // draft-76: 8 body bytes follow the head
};

// A refusal: what to answer and what to tell whoever reads the body.
struct Refusal {
  int status = 400;                                // 400, 426, 505 …
  std::string text;                                // one sentence
  std::vector<std::pair<std::string, std::string>> headers;  // e.g. Sec-WebSocket-Version: 13
};

// True if the request wants to upgrade to a WebSocket at all: an Upgrade header that names it, in
// any version. Anything else is none of our business.
bool wants_websocket(const OpeningRequest& request) noexcept;

// Checks every rule of the version that the request speaks: with Sec-WebSocket-Version or
// Sec-WebSocket-Key RFC 6455, with Sec-WebSocket-Key1 or -Key2 draft-76, else draft-75. `legacy`:
// the drafts are allowed; without it they are refused as an unknown version. Nothing in an Opening
// contains a control character; no refusal repeats what the request said.
std::variant<Opening, Refusal> parse_opening(const OpeningRequest& request, bool legacy);

// The 16 bytes that draft-76 hashes: number 1, number 2 (big-endian), key 3. §5.2.
std::string draft76_challenge(const Opening& opening, std::string_view key3);

struct OpeningResponse {
  std::string_view status_line;    // without "HTTP/1.1 ", e.g. "101 Switching Protocols"
  std::vector<std::pair<std::string, std::string>> headers;  // in the order to be sent
  std::string body;                // draft-76: the 16 bytes of the MD5
};

// The accepting answer. `protocol` empty: no subprotocol header (draft-75/76: none either).
// `extensions`: the value of Sec-WebSocket-Extensions, empty for none. `challenge`: draft-76 only.
OpeningResponse complete_opening(const Opening& opening, std::string_view protocol,
                                 std::string_view extensions, std::string_view challenge,
                                 const Digest& digest);

// Makes of the answer to RFC 6455's handshake the one over HTTP/2. Sec-WebSocket-Accept stays.
void put_on_http2(OpeningResponse& response);

// Whether this can be a Sec-WebSocket-Key: 16 bytes in base64, hence 22 characters and two of
// padding. RFC 6455 §4.1.
bool is_key(std::string_view key) noexcept;

// Elements of a comma-separated header (RFC 9110 §5.6.1), trimmed, empty ones left out.
std::vector<std::string_view> split_list(std::string_view value);

// Sec-WebSocket-Extensions' grammar (RFC 6455 §9.1); none if it does not match. It may list nothing,
// as clients do that always send the field. A quoted value that contains escapes keeps them: no
// extension defines a value that needs any.
std::optional<std::vector<ExtensionOffer>> parse_extensions(std::string_view value);

}  // namespace cppwebsocket::protocol
