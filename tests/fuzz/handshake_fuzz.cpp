// The opening handshake of all versions. Input: a byte of options, then a request head.
// What is accepted must be answerable, and nothing of the request may break out of its line.
#include <cstdint>
#include <cstdlib>

#include "httpd/request/apr_digest.hpp"
#include "protocol/opening/handshake.hpp"
#include "protocol/opening/origin.hpp"
#include "protocol/support/request_head.hpp"

namespace {

using namespace cppwebsocket;
using namespace cppwebsocket::protocol;

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_one_line(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return true;
}

void check_headers(const std::vector<std::pair<std::string, std::string>>& headers) {
  for (const auto& [name, value] : headers) {
    require(!name.empty() && is_one_line(name));
    require(is_one_line(value));
  }
}

void check_refusal(const Refusal& refusal) {
  require(refusal.status == 400 || refusal.status == 426 || refusal.status == 505);
  require(is_one_line(refusal.text) && refusal.text.ends_with('.'));
  check_headers(refusal.headers);
}

void check_opening(const Opening& opening, std::string_view key3, bool secure) {
  require(opening.location.starts_with(secure ? "wss://" : "ws://"));
  require(is_one_line(opening.location) && is_one_line(opening.origin.value_or("")));
  const std::string challenge = draft76_challenge(opening, key3);
  require(challenge.size() == 8 + key3.size());
  const std::string_view protocol = opening.protocols.empty() ? "" : opening.protocols.back();
  const OpeningResponse response =
      complete_opening(opening, protocol, "permessage-deflate", challenge, httpd::apr_digest);
  require(response.status_line.starts_with("101 ") && is_one_line(response.status_line));
  check_headers(response.headers);
  require(response.body.size() == (opening.version == Version::draft76 ? 16 : 0));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const bool legacy = bytes[0] & 1;
  cppwebsocket::protocol::testing::RequestHead head(
      std::string(reinterpret_cast<const char*>(bytes) + 1, size - 1));
  head.request().secure = bytes[0] & 2;
  const bool wanted = wants_websocket(head.request());
  const auto result = parse_opening(head.request(), legacy);
  if (const auto* refusal = std::get_if<Refusal>(&result)) {
    check_refusal(*refusal);
    return 0;
  }
  const auto& opening = std::get<Opening>(result);
  require(wanted && (legacy || opening.version == Version::rfc6455));
  check_opening(opening, head.body().substr(0, 8), head.request().secure);
  is_fixed_host(opening.host);
  if (opening.origin) {
    is_same_origin(*opening.origin, opening.host, head.request().secure);
    // What is an origin matches itself, and nothing else matches as a pattern of itself alone.
    require(!is_origin(*opening.origin, *opening.origin) ||
            matches_origin(*opening.origin, *opening.origin));
    are_loopback(*opening.origin, opening.host);
    require(is_origin(*opening.origin, *opening.origin) ||
            !is_same_origin(*opening.origin, opening.host, head.request().secure));
  }
  return 0;
}
