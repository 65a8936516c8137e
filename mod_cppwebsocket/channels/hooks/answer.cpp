#include "channels/hooks/answer.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <cppwebsocket/detail/channel_name.hpp>

#include "channels/hooks/http_client.hpp"
#include "protocol/base64.hpp"
#include "protocol/frames/utf8.hpp"
#include "protocol/json.hpp"

namespace cppwebsocket::channels {

namespace {

using protocol::JsonObject;
using protocol::JsonValue;
using Word = HookAnswer::Word;

constexpr std::size_t longest_name = 255, longest_reason = 200;  // bytes

// What is wrong with it, for the log.
struct WrongAnswer : std::runtime_error {
  using std::runtime_error::runtime_error;
};

bool is_line(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

std::optional<JsonObject> object_of(const std::string& body) {
  if (!protocol::is_utf8(body)) return std::nullopt;
  return protocol::parse_json_object(body);
}

class Members {
 public:
  explicit Members(const JsonObject& object) noexcept : object_(object) {}

  std::optional<std::string> text(std::string_view name) const {
    const JsonValue* value = given(name);
    if (!value) return std::nullopt;
    if (value->kind != JsonValue::Kind::string) throw WrongAnswer("\"" + std::string(name) + "\" is no string");
    return value->text;
  }

  std::vector<std::string> texts(std::string_view name) const {
    const JsonValue* value = given(name);
    if (!value) return {};
    if (value->kind != JsonValue::Kind::strings) throw WrongAnswer("\"" + std::string(name) + "\" is no array of strings");
    return value->strings;
  }

  std::vector<std::string> channels(std::string_view name) const {
    std::vector<std::string> all = texts(name);
    for (const std::string& each : all)
      if (const char* why = detail::why_no_channel_name(each))
        throw WrongAnswer("\"" + std::string(name) + "\" has a name that no channel can have: " + why);
    return all;
  }

  std::optional<std::int64_t> number(std::string_view name) const {
    const JsonValue* value = given(name);
    if (!value) return std::nullopt;
    std::int64_t number = 0;
    const char* const end = value->text.data() + value->text.size();
    const auto [at, error] = std::from_chars(value->text.data(), end, number);
    if (value->kind != JsonValue::Kind::number || error != std::errc() || at != end || number < 0)
      throw WrongAnswer("\"" + std::string(name) + "\" is no whole number");
    return number;
  }

 private:
  // Null is as good as nothing.
  const JsonValue* given(std::string_view name) const noexcept {
    const JsonValue* value = find(object_, name);
    return value && value->kind != JsonValue::Kind::null ? value : nullptr;
  }

  const JsonObject& object_;
};

std::optional<Message> message_of(const Members& members, const std::optional<std::string>& data) {
  const auto base64 = members.text("base64");
  if (data && base64) throw WrongAnswer("a message is either \"data\" or \"base64\"");
  if (data) {
    Message message(*data);
    detail::MessageAccess::set_validated(message);
    return message;
  }
  if (!base64) return std::nullopt;
  auto bytes = protocol::decode_base64(*base64);
  if (!bytes) throw WrongAnswer("\"base64\" is not Base64");
  return Message(Message::Type::binary, *std::move(bytes));
}

void read(const Members& members, HookAnswer& answer) {
  answer.user = members.text("user");
  if (answer.user && (answer.user->size() > longest_name || !is_line(*answer.user)))
    throw WrongAnswer("\"user\" has more than 255 bytes, or control characters");
  answer.channels = members.channels("channels");
  answer.expires_at = members.number("expires_at");
  answer.welcome = members.text("data");
  answer.presence = members.text("presence");
  answer.message = message_of(members, answer.welcome);
  answer.channel = members.text("channel").value_or("");
  if (const char* why = answer.channel.empty() ? nullptr : detail::why_no_channel_name(answer.channel))
    throw WrongAnswer(std::string("\"channel\" can be no channel's: ") + why);
  answer.send = members.texts("send");
  answer.subscribe = members.channels("subscribe");
  answer.unsubscribe = members.channels("unsubscribe");
  if (const auto code = members.number("close")) {
    if (*code != 1000 && *code != 1008 && (*code < 3000 || *code > 4999))
      throw WrongAnswer("\"close\" is 1000, 1008, or from 3000 to 4999");
    answer.close = static_cast<CloseCode>(*code);
  }
}

HookAnswer none(std::string why) {
  HookAnswer answer;
  answer.word = Word::none;
  answer.reason = std::move(why);
  return answer;
}

HookAnswer refusal(const HookResponse& response) {
  HookAnswer answer;
  answer.word = Word::no;
  answer.status = response.status;
  const auto object = object_of(response.body);
  const JsonValue* const reason = object ? find(*object, "reason") : nullptr;
  if (reason && reason->kind == JsonValue::Kind::string && reason->text.size() <= longest_reason && is_line(reason->text))
    answer.reason = reason->text;
  return answer;
}

}  // namespace

HookAnswer answer_of(const HookResponse& response) {
  if (response.status == 0) return none(response.problem);
  if (response.status >= 400 && response.status < 500) return refusal(response);
  if (response.status < 200 || response.status >= 300) return none("it has answered " + std::to_string(response.status));
  HookAnswer answer;
  if (response.body.find_first_not_of(" \t\r\n") == std::string::npos) return answer;
  const auto object = object_of(response.body);
  if (!object) return none("its answer is no JSON object");
  try {
    read(Members(*object), answer);
  } catch (const WrongAnswer& wrong) {
    return none(std::string("in its answer ") + wrong.what());
  }
  return answer;
}

}  // namespace cppwebsocket::channels
