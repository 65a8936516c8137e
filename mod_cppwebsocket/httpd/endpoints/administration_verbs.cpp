// What an administrator has the children do. Each verb leaves a line in the log: who, from where, what, and how many it was.
#include "httpd/endpoints/administration.hpp"

#include "channels/members/hub.hpp"
#include "channels/members/publisher.hpp"
#include "httpd/child/administration.hpp"
#include "httpd/child/child.hpp"
#include "httpd/child/json_line.hpp"
#include "httpd/endpoints/asked_children.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "protocol/frames/utf8.hpp"
#include "protocol/json.hpp"

#include <cppwebsocket/channel.hpp>

#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace cppwebsocket::httpd {

namespace {

using protocol::JsonObject, protocol::JsonValue;

// Behind what the children wait for their reactors.
constexpr std::chrono::milliseconds time_to_do = time_to_close + std::chrono::milliseconds(1'000);

// A string, or a number as it is written.
std::optional<std::string> told(const JsonObject& object, std::string_view name) {
  const JsonValue* const value = find(object, name);
  if (!value || (value->kind != JsonValue::Kind::string && value->kind != JsonValue::Kind::number)) return std::nullopt;
  return value->text;
}

std::optional<std::uint64_t> count_in(const std::optional<std::string>& text) {
  std::uint64_t number = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  return error == std::errc() && end == text->data() + text->size() ? std::optional(number) : std::nullopt;
}

// Of what the administrator wrote, as much as a line needs.
std::string excerpt(std::string_view text) { return "\"" + std::string(text.substr(0, 120)) + "\""; }

void note_verb(request_rec* r, const std::string& what) {
  log_request(r, APLOG_NOTICE,
              "CWS0110: by " + std::string(r->user ? r->user : "nobody in particular") + " from " +
                  std::string(view(r->useragent_ip)) + ": " + what);
}

// One child's of `told`, or all.
struct Whom {
  std::optional<std::uint64_t> child;
  bool is(pid_t pid) const noexcept { return !child || *child == static_cast<std::uint64_t>(pid); }
};

// --- close --------------------------------------------------------------------------------------

struct Closing {
  JsonLine question;
  Whom whom;
  std::string what;  // for the log
};

// Or the name of what is wrong, and a sentence.
using Wrong = std::pair<const char*, const char*>;
std::variant<Closing, Wrong> read_closing(const JsonObject& verb) {
  Closing closing;
  bool selects = false;
  for (const char* name : {"id", "user", "address", "handler", "channel", "search"}) {
    const auto text = told(verb, name);
    if (!text) {
      if (find(verb, name)) return Wrong("bad-selection", "id, user, address, handler, channel and search are texts.");
      continue;
    }
    if (text->empty() && name != std::string_view("user")) return Wrong("bad-selection", "An empty text selects nothing.");
    closing.question.text(name, *text);
    closing.what.append(" ").append(name).append("=").append(excerpt(*text));
    selects = true;
  }
  if (!selects)
    return Wrong("nothing-selected", "Which? id with child, user, address, handler, channel or search say so; to close all of a child, drain it.");
  const auto child = told(verb, "child");
  closing.whom.child = count_in(child);
  if (child && !closing.whom.child) return Wrong("bad-child", "child is a process id.");
  if (const auto id = told(verb, "id"); id && (!closing.whom.child || !count_in(id)))
    return Wrong("bad-id", "An id is a number, and is one of its child's: child says which.");
  if (child) closing.what.append(" child=").append(*child);
  const auto code = told(verb, "code");
  const auto number = code ? count_in(code) : close_code::policy_violation;
  if (!number || *number > 4999 || !close_code::may_be_sent(static_cast<CloseCode>(*number)))
    return Wrong("bad-code", "No Close can say that: code is 1000 to 1003, 1007 to 1014 or 3000 to 4999.");
  const std::string reason = told(verb, "reason").value_or("");
  if (reason.size() > max_close_reason) return Wrong("bad-reason", "A reason has at most 123 bytes.");
  closing.what.append(" with ").append(std::to_string(*number));
  closing.question.text("ask", "close").text("code", std::to_string(*number)).text("reason", reason);
  return closing;
}

int close_selected(request_rec* r, Child& child, const JsonObject& verb) {
  auto read = read_closing(verb);
  if (const auto* wrong = std::get_if<Wrong>(&read)) return answer_error(r, HTTP_BAD_REQUEST, wrong->first, wrong->second);
  Closing& closing = std::get<Closing>(read);
  const auto asked = ask_all(child, closing.question.end(), time_to_do, [&](pid_t pid) { return closing.whom.is(pid); });
  if (asked.empty()) return answer_error(r, HTTP_NOT_FOUND, "no-such-child", "There is no such child, or not any more.");
  std::uint64_t closed = 0, silent = 0;
  for (const AskedChild& each : asked) {
    closed += each.number("closed");
    silent += each.number("silent");
  }
  note_verb(r, "close" + closing.what + ": " + std::to_string(closed) + (closed == 1 ? " connection" : " connections"));
  JsonLine answer;
  answer.number("closed", closed).number("silent_reactors", silent).json("unanswered", unanswered(asked));
  return answer_text(r, HTTP_OK, "application/json", answer.end().append("\n"));
}

// --- publish ------------------------------------------------------------------------------------

int publish_text(request_rec* r, Child& child, const JsonObject& verb) {
  const auto channel = told(verb, "channel");
  const JsonValue* const data = find(verb, "data");
  if (!channel || channel->empty()) return answer_error(r, HTTP_BAD_REQUEST, "bad-channel", "channel says where.");
  if (const char* why = detail::why_no_channel_name(*channel))
    return answer_error(r, HTTP_BAD_REQUEST, "bad-channel", std::string("No channel can have this name: ") + why + ".");
  if (!data || data->kind != JsonValue::Kind::string || !protocol::is_utf8(data->text))
    return answer_error(r, HTTP_BAD_REQUEST, "bad-data", "data is the message, a text.");
  const channels::HistoryBound bound = child.hub().store().bound(*channel);  // what the channel has stays
  const ChannelOptions options{bound.messages, std::chrono::seconds(bound.seconds)};
  const PublishResult result =
      child.hub().publish(*channel, options, Message(data->text), channels::publisher_of(view(r->useragent_ip)));
  if (result.status == PublishStatus::too_large)
    return answer_error(r, HTTP_REQUEST_ENTITY_TOO_LARGE, "too-large", "The message is larger than channels can carry.");
  if (!result) return answer_error(r, HTTP_SERVICE_UNAVAILABLE, "no-room", "There is no room for another channel.");
  note_verb(r, "publish to " + excerpt(*channel) + ": " + std::to_string(data->text.size()) + " bytes");
  JsonLine answer;
  answer.text("channel", *channel).text("position", result.position.to_string());
  return answer_text(r, HTTP_OK, "application/json", answer.end().append("\n"));
}

// --- drain --------------------------------------------------------------------------------------

int drain_child(request_rec* r, Child& child, const JsonObject& verb) {
  const Whom whom{count_in(told(verb, "child"))};
  if (!whom.child) return answer_error(r, HTTP_BAD_REQUEST, "bad-child", "child is a process id.");
  const auto asked = ask_all(child, R"({"ask":"drain"})", time_to_do, [&](pid_t pid) { return whom.is(pid); });
  if (asked.empty()) return answer_error(r, HTTP_NOT_FOUND, "no-such-child", "There is no such child, or not any more.");
  const AskedChild& drained = asked.front();
  if (!drained.why.empty()) return answer_error(r, HTTP_GATEWAY_TIME_OUT, "unanswered", "The child " + drained.why + ".");
  const JsonValue* const draining = find(drained.summary, "draining");
  if (!draining || !draining->boolean)
    return answer_error(r, HTTP_CONFLICT, "cannot-drain",
                        "One child cannot be drained where httpd has several sets of listeners (ListenCoresBucketsRatio).");
  note_verb(r, "drain child=" + std::to_string(*whom.child));
  JsonLine answer;
  return answer_text(r, HTTP_OK, "application/json", answer.number("child", *whom.child).flag("draining", true).end().append("\n"));
}

}  // namespace

int do_as_told(request_rec* r, Child& child, std::string_view body) {
  const auto verb = protocol::parse_json_object(body);
  if (!verb) return answer_error(r, HTTP_BAD_REQUEST, "bad-json", "The body is not one JSON object.");
  const std::string name = told(*verb, "verb").value_or("");
  if (name == "close") return close_selected(r, child, *verb);
  if (name == "publish") return publish_text(r, child, *verb);
  if (name == "drain") return drain_child(r, child, *verb);
  return answer_error(r, HTTP_BAD_REQUEST, "unknown-verb", "verb is close, publish or drain.");
}

}  // namespace cppwebsocket::httpd
