#include "httpd/child/administration.hpp"

#include "channels/members/hub.hpp"
#include "httpd/child/child.hpp"
#include "httpd/child/json_line.hpp"
#include "httpd/child/draining.hpp"
#include "httpd/log.hpp"
#include "runtime/administration/rounds.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

using protocol::JsonObject, protocol::JsonValue;

constexpr std::uint64_t most_rows = 1'001;

std::optional<std::string> text_of(const JsonObject& object, std::string_view name) {
  const JsonValue* const value = find(object, name);
  return value && value->kind == JsonValue::Kind::string ? std::optional(value->text) : std::nullopt;
}

std::optional<std::uint64_t> number_of(const JsonObject& object, std::string_view name) {
  const auto text = text_of(object, name);
  std::uint64_t number = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  return error == std::errc() && end == text->data() + text->size() ? std::optional(number) : std::nullopt;
}

std::size_t limit_of(const JsonObject& object) {
  return static_cast<std::size_t>(std::min(number_of(object, "limit").value_or(100), most_rows));
}

// The first line, and how many follow it.
std::string whole(JsonLine& summary, std::size_t rows, std::string_view lines) {
  return summary.number("rows", rows).end().append("\n").append(lines);
}

std::string status(Child& child) {
  const auto lags = runtime::call_reactors(child.runtime(), time_to_look);
  std::string lines;
  for (std::size_t i = 0; i < lags.size(); ++i) {
    JsonLine line;
    line.number("reactor", i);
    if (lags[i])
      line.number("lag_us", static_cast<std::uint64_t>(lags[i]->count()));
    else
      line.json("lag_us", "null");
    lines.append(line.end()).append("\n");
  }
  JsonLine summary;
  summary.number("connections", child.runtime().connections());
  summary.flag("draining", child.runtime().stop() != runtime::Stop::no);
  return whole(summary, lags.size(), lines);
}

std::string line_of(const runtime::Sight& sight) {
  JsonLine line;
  line.number("id", sight.id).text("user", sight.user).text("address", sight.address).text("handler", sight.handler);
  line.text("resource", sight.resource).text("way", sight.way).text("version", sight.version);
  line.flag("open", sight.is_open).number("age", static_cast<std::uint64_t>(sight.age.count()));
  line.number("messages_in", sight.messages_in).number("messages_out", sight.messages_out);
  line.number("bytes_in", sight.bytes_in).number("bytes_out", sight.bytes_out).number("unsent", sight.unsent);
  return line.texts("channels", sight.channels).number("memberships", sight.memberships).end().append("\n");
}

// Connections are listed in the order of their children.
std::string connections(Child& child, const JsonObject& question) {
  const auto selection = selection_of(question);
  if (!selection) return {};
  const std::uint64_t self = static_cast<std::uint64_t>(::getpid());
  const std::uint64_t after_child = number_of(question, "after_child").value_or(0);
  const std::uint64_t after = self == after_child ? number_of(question, "after").value_or(0) : 0;
  const std::size_t most = self < after_child ? 0 : limit_of(question);
  const runtime::Listed found = runtime::list_connections(child.runtime(), *selection, after, most, time_to_look);
  std::string lines;
  for (const runtime::Sight& each : found.connections) lines.append(line_of(each));
  JsonLine summary;
  summary.number("count", found.count).number("silent", found.silent);
  return whole(summary, found.connections.size(), lines);
}

std::string close(Child& child, const JsonObject& question) {
  const auto selection = selection_of(question);
  const std::uint64_t code = number_of(question, "code").value_or(close_code::policy_violation);
  const std::string reason = text_of(question, "reason").value_or("");
  const auto most = std::numeric_limits<CloseCode>::max();
  if (!selection || selection->is_all() || code > most || !close_code::may_be_sent(static_cast<CloseCode>(code)) ||
      reason.size() > max_close_reason)
    return {};
  const runtime::Closed closed = runtime::close_connections(
      child.runtime(), *selection, Close(static_cast<CloseCode>(code), reason), time_to_close);
  JsonLine summary;
  summary.number("closed", closed.count).number("silent", closed.silent);
  return whole(summary, 0, {});
}

std::string list_channels(Child& child, const JsonObject& question) {
  auto all = child.hub().channels_in_use();
  const std::string part = text_of(question, "search").value_or("");
  std::erase_if(all, [&](const auto& each) { return each.first.find(part) == each.first.npos; });
  const std::size_t count = std::min(all.size(), limit_of(question));
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(),
                    [](const auto& a, const auto& b) { return a.second > b.second || (a.second == b.second && a.first < b.first); });
  std::string lines;
  for (std::size_t i = 0; i < count; ++i) {
    JsonLine line;
    line.text("channel", all[i].first).number("members", all[i].second);
    line.text("position", child.hub().store().position(all[i].first).to_string());
    lines.append(line.end()).append("\n");
  }
  JsonLine summary;
  return whole(summary.number("count", all.size()), count, lines);
}

std::string log_lines() {
  const std::vector<LoggedLine> all = last_lines();
  std::string lines;
  for (const LoggedLine& each : all) {
    JsonLine line;
    line.number("time_us", static_cast<std::uint64_t>(each.time_us)).text("level", each.level).text("text", each.text);
    lines.append(line.end()).append("\n");
  }
  JsonLine summary;
  return whole(summary, all.size(), lines);
}

std::string drain(Child& child) {
  JsonLine summary;
  return whole(summary.flag("draining", begin_drain(child)), 0, {});
}

std::string answer(Child& child, std::string_view text) {
  const auto question = protocol::parse_json_object(text);
  const std::string asked = question ? text_of(*question, "ask").value_or("") : "";
  if (asked == "status") return status(child);
  if (asked == "connections") return connections(child, *question);
  if (asked == "close") return close(child, *question);
  if (asked == "channels") return list_channels(child, *question);
  if (asked == "log") return log_lines();
  return asked == "drain" ? drain(child) : std::string();
}

}  // namespace

std::optional<runtime::Selection> selection_of(const JsonObject& object) {
  runtime::Selection selection;
  selection.id = number_of(object, "id");
  if (!selection.id && find(object, "id")) return std::nullopt;
  selection.user = text_of(object, "user");
  selection.address = text_of(object, "address");
  selection.handler = text_of(object, "handler");
  selection.channel = text_of(object, "channel");
  selection.part = text_of(object, "search").value_or("");
  return selection;
}

std::string answer_question(Child& child, std::string_view question) noexcept {
  try {
    return answer(child, question);
  } catch (const std::exception&) {  // no memory: who asked sees that nothing comes
    return {};
  }
}

}  // namespace cppwebsocket::httpd
