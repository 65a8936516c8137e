#include "protocol/opening/hixie.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>

namespace cppwebsocket::protocol {

namespace {

// draft-76 §5.2: the digits as one number, divided by the count of spaces; it must divide evenly
// and fit into 32 bits.
std::optional<std::uint32_t> key_number(std::string_view key) noexcept {
  constexpr std::uint64_t limit = std::numeric_limits<std::uint32_t>::max();
  std::uint64_t digits = 0;
  std::uint64_t spaces = 0;
  bool any_digit = false;
  for (const char c : key) {
    if (c == ' ') ++spaces;
    if (!is_digit(c)) continue;
    any_digit = true;
    digits = digits * 10 + static_cast<std::uint64_t>(c - '0');
    // §4.1: the client chose number * spaces <= 2^32 - 1, so that no valid key is above it.
    if (digits > limit) return std::nullopt;
  }
  if (!any_digit || spaces == 0 || digits % spaces != 0) return std::nullopt;
  return static_cast<std::uint32_t>(digits / spaces);
}

void append_big_endian(std::uint32_t number, std::string& out) {
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(number >> shift & 0xff));
}

// Both drafts: the answer repeats the origin, so there must be one (draft-76 §5.2, draft-75 §4.2).
std::optional<Refusal> check_origin(const Opening& opening) {
  if (opening.origin && !opening.origin->empty()) return std::nullopt;
  return bad_request("The Origin header is missing; draft-76 and draft-75 need it.");
}

// The drafts know one subprotocol, any text of U+0020 to U+007E (draft-76 §4.1 and draft-75 §3.1).
std::optional<Refusal> read_protocol(const HeaderFields& fields, std::string_view name,
                                     Opening& opening) {
  const auto protocol = fields.first(name);
  if (!protocol) return std::nullopt;
  const bool printable = std::all_of(protocol->begin(), protocol->end(),
                                     [](char c) { return c >= 0x20 && c <= 0x7e; });
  if (fields.count(name) > 1 || protocol->empty() || !printable)
    return bad_request("The " + std::string(name) +
                       " header must be there once and name one subprotocol in ASCII.");
  opening.protocols.push_back(*protocol);
  return std::nullopt;
}

// §5.2's fields, in the order that the drafts and the seed show.
OpeningResponse answer(const Opening& opening, std::string_view protocol,
                       std::string_view status_line, const std::string& prefix) {
  OpeningResponse response;
  response.status_line = status_line;
  response.headers = {{"Upgrade", "WebSocket"},
                      {"Connection", "Upgrade"},
                      {prefix + "Origin", std::string(opening.origin.value_or(""))},
                      {prefix + "Location", opening.location}};
  if (!protocol.empty()) response.headers.emplace_back(prefix + "Protocol", protocol);
  return response;
}

}  // namespace

std::optional<Refusal> read_draft76(const HeaderFields& fields, Opening& opening) {
  opening.version = Version::draft76;
  opening.needs_key3 = true;
  if (auto refusal = check_origin(opening)) return refusal;
  if (auto refusal = read_protocol(fields, "Sec-WebSocket-Protocol", opening)) return refusal;
  for (auto [name, number] : {std::pair("Sec-WebSocket-Key1", &opening.key_number_1),
                              std::pair("Sec-WebSocket-Key2", &opening.key_number_2)}) {
    const auto value = key_number(fields.first(name).value_or(""));
    if (fields.count(name) != 1 || !value)
      return bad_request("The " + std::string(name) +
                         " header must be there once, and its digits must be a 32-bit number that "
                         "the count of its spaces divides (draft-76, 5.2).");
    *number = *value;
  }
  return std::nullopt;
}

std::optional<Refusal> read_draft75(const HeaderFields& fields, Opening& opening) {
  opening.version = Version::draft75;
  if (auto refusal = check_origin(opening)) return refusal;
  return read_protocol(fields, "WebSocket-Protocol", opening);
}

std::string draft76_challenge(const Opening& opening, std::string_view key3) {
  std::string challenge;
  append_big_endian(opening.key_number_1, challenge);
  append_big_endian(opening.key_number_2, challenge);
  challenge += key3;
  return challenge;
}

OpeningResponse complete_draft76(const Opening& opening, std::string_view protocol,
                                 std::string_view challenge, const Digest& digest) {
  OpeningResponse response =
      answer(opening, protocol, "101 WebSocket Protocol Handshake", "Sec-WebSocket-");
  const auto md5 = digest.md5(challenge);
  response.body.assign(md5.begin(), md5.end());
  return response;
}

OpeningResponse complete_draft75(const Opening& opening, std::string_view protocol) {
  return answer(opening, protocol, "101 Web Socket Protocol Handshake", "WebSocket-");
}

}  // namespace cppwebsocket::protocol
