#include "channels/members/json_envelope.hpp"

#include <charconv>

#include "protocol/frames/utf8.hpp"
#include "protocol/base64.hpp"

namespace cppwebsocket::channels {

namespace {

void append_escaped(std::string& json, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      json.append({'\\', c});
    else if (byte < 0x20 || byte == 0x7f)
      json.append("\\u00").append({digits[byte >> 4], digits[byte & 15]});
    else
      json.push_back(c);
  }
}

std::string begin(std::string_view type, std::string_view channel) {
  std::string json = "{\"type\":\"";
  json.append(type).append("\",\"channel\":");
  append_json_string(json, channel);
  return json;
}

void append_position(std::string& json, const Position& position) {
  if (position.offset == 0 && position.epoch == 0) return;
  json.append(",\"position\":\"").append(position.to_string()).append("\"");
}

void append_id(std::string& json, std::uint64_t origin, std::uint64_t sequence) {
  char digits[16 + 1 + 20];
  char* end = std::to_chars(digits, digits + 16, origin, 16).ptr;
  *end++ = '-';
  end = std::to_chars(end, digits + sizeof digits, sequence).ptr;
  json.append(",\"id\":\"").append(digits, end).append("\"");
}

void append_member(std::string& json, const Member& member) {
  json.append("{\"id\":");
  append_json_string(json, member.id);
  json.append(",\"info\":");
  append_json_string(json, member.info);
  json.append("}");
}

std::string with_member(std::string json, const Publication& publication) {
  json.append(",\"member\":");
  append_member(json, *publication.member);
  return json.append("}");
}

}  // namespace

void append_json_string(std::string& json, std::string_view text) {
  json.push_back('"');
  if (protocol::is_utf8(text))
    append_escaped(json, text);
  else
    append_escaped(json, protocol::replace_invalid_utf8(text));
  json.push_back('"');
}

std::string reply(std::string_view data) {
  std::string json = R"({"type":"reply","data":)";
  append_json_string(json, data);
  return json.append("}");
}

std::string json_of(std::string_view channel, const Position& position) {
  std::string json = begin("position", channel);
  append_position(json, position);
  return json.append("}");
}

std::string json_of(std::string_view channel, const Publication& publication,
                    const Provenance& provenance) {
  std::string json;
  switch (publication.kind) {
    case Publication::Kind::joined:
      return with_member(begin("joined", channel), publication);
    case Publication::Kind::left:
      return with_member(begin("left", channel), publication);
    case Publication::Kind::gap:
      json = begin("gap", channel);
      append_position(json, publication.position);
      return json.append("}");
    case Publication::Kind::message:
      break;
  }
  json = begin("message", channel);
  append_position(json, publication.position);
  if (provenance.origin != 0) append_id(json, provenance.origin, provenance.sequence);
  if (const auto since_1970 = publication.time.time_since_epoch().count(); since_1970 != 0)
    json.append(",\"time\":").append(std::to_string(since_1970));
  if (!publication.publisher.empty()) append_json_string(json.append(",\"publisher\":"), publication.publisher);
  if (!publication.event.empty()) append_json_string(json.append(",\"event\":"), publication.event);
  if (publication.message.is_text()) {
    json.append(",\"data\":");
    append_json_string(json, publication.message.text());
  } else {
    json.append(",\"base64\":\"");
    protocol::append_base64(json, publication.message.payload());
    json.append("\"");
  }
  return json.append("}");
}

std::string json_of(std::string_view channel, const Recovery& recovery,
                    const std::optional<std::vector<Member>>& present) {
  std::string json = begin(beginning, channel);
  append_position(json, recovery.position);
  json.append(recovery.recovered ? ",\"recovered\":true" : ",\"recovered\":false");
  if (!present) return json.append("}");
  json.append(",\"members\":[");
  for (const Member& member : *present) {
    if (&member != &present->front()) json.append(",");
    append_member(json, member);
  }
  return json.append("]}");
}

}  // namespace cppwebsocket::channels
