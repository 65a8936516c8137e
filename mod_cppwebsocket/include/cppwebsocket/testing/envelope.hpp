// The JSON in which JoinOptions::json wraps what a client gets. Part of testing.hpp.
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cppwebsocket/publication.hpp>

namespace cppwebsocket::testing::detail {

inline std::string json_of(std::string_view text) {
  std::string made = "\"";
  for (const char each : text) {
    const auto code = static_cast<unsigned char>(each);
    char escaped[8];
    if (each == '"' || each == '\\') {
      made += {'\\', each};
    } else if (code < 0x20) {
      std::snprintf(escaped, sizeof escaped, "\\u%04x", code);
      made += escaped;
    } else {
      made += each;
    }
  }
  return made + '"';
}

inline std::string base64_of(std::string_view bytes) {
  constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string made;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t j = 0; j < 3; ++j)
      word = word << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j) made += j <= count ? digits[word >> (18 - 6 * j) & 63] : '=';
  }
  return made;
}

inline std::string json_of(const Member& member) {
  return "{\"id\":" + json_of(member.id) + ",\"info\":" + json_of(member.info) + "}";
}

// docs/handlers.md, "History and coming back"
inline std::string envelope_of(std::string_view channel, const Publication& of) {
  using Kind = Publication::Kind;
  const std::string name = ",\"channel\":" + json_of(channel);
  const std::string at = ",\"position\":" + json_of(of.position.to_string());
  switch (of.kind) {
    case Kind::message:
      return "{\"type\":\"message\"" + name + at +
             ",\"time\":" + std::to_string(of.time.time_since_epoch().count()) +
             (of.publisher.empty() ? std::string() : ",\"publisher\":" + json_of(of.publisher)) +
             (of.message.is_text() ? ",\"data\":" + json_of(of.message.text())
                                   : ",\"base64\":" + json_of(base64_of(of.message.payload()))) +
             "}";
    case Kind::gap:
      return "{\"type\":\"gap\"" + name + at + "}";
    case Kind::joined:
    case Kind::left:
      break;
  }
  return std::string("{\"type\":") + (of.kind == Kind::joined ? "\"joined\"" : "\"left\"") + name +
         ",\"member\":" + json_of(of.member.value_or(Member())) + "}";
}

inline std::string subscribed(std::string_view channel, const std::optional<Recovery>& recovery,
                              Position position, const std::vector<Member>& members) {
  std::string made = "{\"type\":\"subscribed\",\"channel\":" + json_of(channel) +
                     ",\"position\":" + json_of(position.to_string());
  if (recovery) made += std::string(",\"recovered\":") + (recovery->recovered ? "true" : "false");
  for (std::size_t i = 0; i < members.size(); ++i)
    made += (i == 0 ? ",\"members\":[" : ",") + json_of(members[i]) + (i + 1 == members.size() ? "]" : "");
  return made + "}";
}

}  // namespace cppwebsocket::testing::detail
