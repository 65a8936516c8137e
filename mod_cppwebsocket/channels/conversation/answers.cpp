#include "channels/conversation/answers.hpp"

#include "channels/members/json_envelope.hpp"

namespace cppwebsocket::channels {

namespace {

std::string begin(std::string_view type, std::optional<std::uint64_t> id) {
  std::string json = "{\"type\":\"";
  json.append(type).append("\"");
  if (id) json.append(",\"id\":").append(std::to_string(*id));
  return json;
}

void append_position(std::string& json, const Position& position) {
  if (position == Position()) return;
  json.append(",\"position\":\"").append(position.to_string()).append("\"");
}

}  // namespace

std::string welcome(std::size_t most_channels, const std::optional<std::string>& data) {
  std::string json = begin("welcome", {}).append(",\"channels\":").append(std::to_string(most_channels));
  if (data) append_json_string(json.append(",\"data\":"), *data);
  return json.append("}");
}

std::string answer(std::uint64_t id) { return begin("answer", id) + "}"; }

std::string answer(std::uint64_t id, const std::vector<std::string>& sent) {
  std::string json = begin("answer", id).append(",\"send\":[");
  for (const std::string& each : sent) append_json_string(&each == &sent.front() ? json : json.append(","), each);
  return json.append("]}");
}

std::string answer(std::uint64_t id, const PublishResult& published) {
  std::string json = begin("answer", id);
  append_position(json, published.position);
  return json.append("}");
}

std::string answer(std::uint64_t id, std::size_t members, const std::vector<Member>& present) {
  std::string json = begin("answer", id);
  json.append(",\"members\":").append(std::to_string(members)).append(",\"presence\":[");
  for (const Member& member : present) {
    json.append(&member == &present.front() ? "{\"id\":" : ",{\"id\":");
    append_json_string(json, member.id);
    append_json_string(json.append(",\"info\":"), member.info);
    json.append("}");
  }
  return json.append("]}");
}

std::string answer(std::uint64_t id, std::string_view channel, const History& history,
                   std::size_t most_bytes) {
  std::string json = begin("answer", id);
  append_position(json, history.newest);
  json.append(",\"complete\":").append(history.complete ? "true" : "false");
  json.append(",\"messages\":[");
  const std::size_t most = json.size() + most_bytes;
  bool more = false;
  for (const Publication& each : history.publications) {
    const bool is_first = &each == &history.publications.front();
    more = !is_first && json.size() + each.message.size() > most;
    if (more) break;
    json.append(is_first ? "" : ",").append(json_of(channel, each));
  }
  return json.append(more ? "],\"more\":true}" : "]}");
}

std::string error(std::optional<std::uint64_t> id, std::string_view name, std::string_view text) {
  std::string json = begin("error", id);
  json.append(",\"error\":\"").append(name).append("\",\"text\":");
  append_json_string(json, text);
  return json.append("}");
}

}  // namespace cppwebsocket::channels
