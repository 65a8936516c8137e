#include "protocol/opening/handshake.hpp"

#include <algorithm>
#include <iterator>

#include "protocol/opening/authority.hpp"
#include "protocol/opening/header_fields.hpp"
#include "protocol/opening/hixie.hpp"

namespace cppwebsocket::protocol {

namespace {

using MaybeRefusal = std::optional<Refusal>;

constexpr int http_1_1 = 1001;
constexpr std::string_view accept_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 §1.3
constexpr std::pair our_version("Sec-WebSocket-Version", "13");

Refusal upgrade_required(std::string_view text) {
  // RFC 6455 §4.4; RFC 9110 §15.5.22 and §7.8 want the other two.
  return {
      426, std::string(text), {our_version, {"Upgrade", "websocket"}, {"Connection", "Upgrade"}}};
}

// --- rules of all versions ------------------------------------------------------------------

Version version_of(const HeaderFields& fields) noexcept {
  if (fields.count("Sec-WebSocket-Version") > 0) return Version::rfc6455;
  if (fields.count("Sec-WebSocket-Key1") > 0 || fields.count("Sec-WebSocket-Key2") > 0)
    return Version::draft76;
  if (fields.count("Sec-WebSocket-Key") > 0) return Version::rfc6455;
  return Version::draft75;
}

MaybeRefusal check_request_line(const OpeningRequest& request) {
  if (request.method != "GET") return bad_request("The method must be GET (RFC 6455, 4.2.1).");
  if (request.http_version < http_1_1)
    return Refusal{505,
                   "The request must be HTTP/1.1 or later (RFC 6455, 4.2.1); if a proxy has made "
                   "it HTTP/1.0, tell the proxy (nginx: proxy_http_version 1.1).",
                   {}};
  return std::nullopt;
}

MaybeRefusal check_upgrade(const HeaderFields& fields) {
  if (!fields.lists("Upgrade", "websocket"))
    return bad_request("The Upgrade header must name websocket (RFC 6455, 4.2.1).");
  if (!fields.lists("Connection", "upgrade"))
    return bad_request("The Connection header must name Upgrade (RFC 6455, 4.2.1).");
  return std::nullopt;
}

MaybeRefusal check_body(const HeaderFields& fields, Version version) {
  if (fields.count("Transfer-Encoding") > 0)
    return bad_request("Transfer-Encoding must be absent: an opening handshake has no body.");
  const bool none = fields.each("Content-Length", [version](std::string_view length) {
    // Some draft-76 clients count the eight bytes of the third key as a body.
    if (version == Version::draft76 && length == "8") return true;
    return !length.empty() && length.find_first_not_of('0') == length.npos;
  });
  if (!none)
    return bad_request("Content-Length must be absent or 0: an opening handshake has no body.");
  return std::nullopt;
}

// What becomes part of the location must be harmless there: no space, control character, fragment.
bool is_path(std::string_view path) noexcept {
  return !path.empty() && path.front() == '/' && !has_control_character(path) &&
         path.find_first_of(" #") == path.npos;
}

// Takes "http://host" off a target in absolute form and returns the host; RFC 9112 §3.2.2 lets it
// replace the Host header.
std::optional<std::string_view> take_authority(std::string_view& target) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equal_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    target = rest.substr(authority.size());
    return authority;
  }
  return std::nullopt;
}

MaybeRefusal read_location(const OpeningRequest& request, const HeaderFields& fields,
                           Opening& opening) {
  const auto host = fields.first("Host");
  if (!host || fields.count("Host") > 1 || !parse_authority(*host))
    return bad_request(
        "The Host header must be there once and be a host with an optional port "
        "(RFC 6455, 4.2.1).");
  std::string_view target = request.target;
  const auto authority = take_authority(target);
  opening.host = authority.value_or(*host);
  std::string path(target);
  if (authority && !target.starts_with('/')) path.insert(0, "/");
  if (!parse_authority(opening.host) || !is_path(path))
    return bad_request(
        "The request target must be a path or an http URI, without a fragment "
        "(RFC 6455, 4.2.1).");
  opening.location = request.secure ? "wss://" : "ws://";
  opening.location.append(opening.host).append(path);
  return std::nullopt;
}

MaybeRefusal read_origin(const HeaderFields& fields, Opening& opening) {
  opening.origin = fields.first("Origin");
  if (!opening.origin) return std::nullopt;
  // A comma: httpd has joined two of them.
  if (fields.count("Origin") > 1 || opening.origin->find(',') != opening.origin->npos ||
      has_control_character(*opening.origin))
    return bad_request("The Origin header must be there at most once (RFC 6454, 7.3).");
  return std::nullopt;
}

// --- RFC 6455 -------------------------------------------------------------------------------

// §4.3: 0 to 255 without leading zeros.
bool is_version_number(std::string_view text) noexcept {
  if (text.empty() || text.size() > 3 || !std::all_of(text.begin(), text.end(), is_digit))
    return false;
  return text.size() == 1 || (text.front() != '0' && (text.size() == 2 || text <= "255"));
}

MaybeRefusal check_version(const HeaderFields& fields) {
  const auto version = fields.first("Sec-WebSocket-Version");
  if (!version || fields.count("Sec-WebSocket-Version") > 1 || !is_version_number(*version)) {
    Refusal refusal = bad_request(
        "The Sec-WebSocket-Version header must be there once and be 13 (RFC 6455, 4.2.1).");
    refusal.headers = {our_version};
    return refusal;
  }
  if (*version != "13")
    return upgrade_required(
        "The Sec-WebSocket-Version header must be 13, the version of RFC 6455; "
        "this server speaks no other (RFC 6455, 4.4).");
  return std::nullopt;
}

MaybeRefusal read_key(const HeaderFields& fields, Opening& opening) {
  opening.key = fields.first("Sec-WebSocket-Key").value_or("");
  if (fields.count("Sec-WebSocket-Key") != 1 || !is_key(opening.key))
    return bad_request(
        "The Sec-WebSocket-Key header must be there once and be 16 bytes in base64 "
        "(RFC 6455, 4.2.1).");
  return std::nullopt;
}

bool has_duplicate(std::vector<std::string_view> values) {
  std::sort(values.begin(), values.end());
  return std::adjacent_find(values.begin(), values.end()) != values.end();
}

MaybeRefusal read_protocols(const HeaderFields& fields, Opening& opening) {
  // A field that lists nothing is as good as none: some clients always send it.
  const bool valid = fields.each("Sec-WebSocket-Protocol", [&](std::string_view rest) {
    while (const auto protocol = next_element(rest)) {
      if (!is_token(*protocol)) return false;
      opening.protocols.push_back(*protocol);
    }
    return true;
  });
  if (!valid)
    return bad_request(
        "The Sec-WebSocket-Protocol header must be a list of tokens "
        "(RFC 6455, 4.3).");
  if (has_duplicate(opening.protocols))
    return bad_request(
        "The Sec-WebSocket-Protocol header must not name a subprotocol twice "
        "(RFC 6455, 4.1).");
  return std::nullopt;
}

MaybeRefusal read_extensions(const HeaderFields& fields, Opening& opening) {
  const bool valid = fields.each("Sec-WebSocket-Extensions", [&](std::string_view value) {
    auto offers = parse_extensions(value);
    if (offers) std::move(offers->begin(), offers->end(), std::back_inserter(opening.extensions));
    return offers.has_value();
  });
  if (!valid)
    return bad_request(
        "The Sec-WebSocket-Extensions header must follow the grammar of "
        "RFC 6455, 9.1.");
  return std::nullopt;
}

MaybeRefusal read_rfc6455(const HeaderFields& fields, Opening& opening) {
  if (auto refusal = check_version(fields)) return refusal;
  if (auto refusal = read_key(fields, opening)) return refusal;
  if (auto refusal = read_protocols(fields, opening)) return refusal;
  return read_extensions(fields, opening);
}

MaybeRefusal read_version(const HeaderFields& fields, Version version, Opening& opening) {
  switch (version) {
    case Version::rfc6455:
      return read_rfc6455(fields, opening);
    case Version::draft76:
      return read_draft76(fields, opening);
    case Version::draft75:
      return read_draft75(fields, opening);
    case Version::event_stream:  // no WebSocket, so nothing to upgrade to
      break;
  }
  return std::nullopt;
}

MaybeRefusal read_opening(const OpeningRequest& request, bool legacy, Opening& opening) {
  const HeaderFields fields(request.headers);
  const Version version = version_of(fields);
  if (auto refusal = check_request_line(request)) return refusal;
  if (auto refusal = check_upgrade(fields)) return refusal;
  if (version != Version::rfc6455 && !legacy)
    return upgrade_required(
        "The Sec-WebSocket-Version header must be 13 (RFC 6455, 4.2.1); without "
        "it the request is draft-76 or draft-75, which are off "
        "(WebSocketLegacyProtocols).");
  if (auto refusal = check_body(fields, version)) return refusal;
  if (auto refusal = read_location(request, fields, opening)) return refusal;
  if (auto refusal = read_origin(fields, opening)) return refusal;
  return read_version(fields, version, opening);
}

// §4.2.2 step 5.
OpeningResponse complete_rfc6455(const Opening& opening, std::string_view protocol,
                                 std::string_view extensions, const Digest& digest) {
  const auto sha1 = digest.sha1(std::string(opening.key).append(accept_guid));
  OpeningResponse response;
  response.status_line = "101 Switching Protocols";
  response.headers = {
      {"Upgrade", "websocket"},
      {"Connection", "Upgrade"},
      {"Sec-WebSocket-Accept",
       digest.base64_encode({reinterpret_cast<const char*>(sha1.data()), sha1.size()})}};
  if (!protocol.empty()) response.headers.emplace_back("Sec-WebSocket-Protocol", protocol);
  if (!extensions.empty()) response.headers.emplace_back("Sec-WebSocket-Extensions", extensions);
  return response;
}

}  // namespace

// The last character carries only two bits, and the other four must be zero (RFC 4648 §3.5).
bool is_key(std::string_view key) noexcept {
  constexpr std::string_view last_characters = "AQgw";
  return key.size() == 24 && key.substr(22) == "==" &&
         std::all_of(key.begin(), key.begin() + 22,
                     [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '/'; }) &&
         last_characters.find(key[21]) != last_characters.npos;
}

Refusal bad_request(std::string_view text) { return {400, std::string(text), {}}; }

bool wants_websocket(const OpeningRequest& request) noexcept {
  return HeaderFields(request.headers).lists("Upgrade", "websocket");
}

std::variant<Opening, Refusal> parse_opening(const OpeningRequest& request, bool legacy) {
  Opening opening;
  if (auto refusal = read_opening(request, legacy, opening)) return *std::move(refusal);
  return opening;
}

OpeningResponse complete_opening(const Opening& opening, std::string_view protocol,
                                 std::string_view extensions, std::string_view challenge,
                                 const Digest& digest) {
  switch (opening.version) {
    case Version::draft76:
      return complete_draft76(opening, protocol, challenge, digest);
    case Version::draft75:
      return complete_draft75(opening, protocol);
    case Version::rfc6455:
    case Version::event_stream:
      break;
  }
  return complete_rfc6455(opening, protocol, extensions, digest);
}

// RFC 8441 §5; RFC 9113 §8.2.2.
void put_on_http2(OpeningResponse& response) {
  response.status_line = "200 OK";
  std::erase_if(response.headers, [](const auto& field) {
    return field.first == "Upgrade" || field.first == "Connection";
  });
}

}  // namespace cppwebsocket::protocol
