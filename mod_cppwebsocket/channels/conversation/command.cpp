#include "channels/conversation/command.hpp"

#include "protocol/base64.hpp"
#include "protocol/json.hpp"
#include "protocol/opening/channel_request.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace cppwebsocket::channels {

namespace {

using protocol::JsonObject;
using protocol::JsonValue;
using Kind = Command::Kind;

constexpr std::uint64_t largest_id = (std::uint64_t{1} << 53) - 1;  // that every script can count to

constexpr std::pair<std::string_view, Kind> kinds[] = {{"subscribe", Kind::subscribe},
                                                       {"unsubscribe", Kind::unsubscribe},
                                                       {"publish", Kind::publish},
                                                       {"presence", Kind::presence},
                                                       {"history", Kind::history},
                                                       {"message", Kind::message}};

std::optional<std::uint64_t> id_of(const JsonObject& object) noexcept {
  const JsonValue* value = find(object, "id");
  if (!value || value->kind != JsonValue::Kind::number) return std::nullopt;
  std::uint64_t id = 0;
  const char* const end = value->text.data() + value->text.size();
  const auto [at, error] = std::from_chars(value->text.data(), end, id);
  if (error != std::errc() || at != end || id > largest_id) return std::nullopt;
  return id;
}

// What an object says, one by one. The first mistake stays.
class Terms {
 public:
  explicit Terms(const JsonObject& object) noexcept : object_(object) {}

  const char* mistake() const noexcept { return mistake_; }

  const std::string* string(std::string_view name, const char* mistake) {
    const JsonValue* value = given(name);
    if (!value) return nullptr;
    if (value->kind == JsonValue::Kind::string) return &value->text;
    fail(mistake);
    return nullptr;
  }

  bool boolean(std::string_view name, const char* mistake) {
    const JsonValue* value = given(name);
    if (value && value->kind != JsonValue::Kind::boolean) fail(mistake);
    return value && value->boolean;
  }

  std::uint32_t count(std::string_view name, std::uint32_t usual, std::uint32_t most,
                      const char* mistake) {
    const JsonValue* value = given(name);
    if (!value) return usual;
    const auto number = value->kind == JsonValue::Kind::number
                            ? protocol::parse_count(value->text, most)
                            : std::nullopt;
    if (!number) fail(mistake);
    return number.value_or(0);
  }

  void fail(const char* mistake) noexcept {
    if (!mistake_) mistake_ = mistake;
  }

 private:
  // Null is as good as nothing.
  const JsonValue* given(std::string_view name) const noexcept {
    const JsonValue* value = find(object_, name);
    return value && value->kind != JsonValue::Kind::null ? value : nullptr;
  }

  const JsonObject& object_;
  const char* mistake_ = nullptr;
};

void read_after(Terms& terms, Command& command) {
  const std::string* text = terms.string("after", "\"after\" is a position, as a string");
  if (!text || text->empty()) return;
  command.after = Position::parse(*text);
  if (command.after) return;
  // A client would come back with it for ever, so it is told that it has not recovered.
  command.is_lost = command.kind == Kind::subscribe;
  if (!command.is_lost) terms.fail("\"after\" is no position");
}

void read_message(Terms& terms, Command& command) {
  const std::string* data = terms.string("data", "\"data\" is a string");
  const std::string* base64 = terms.string("base64", "\"base64\" is a string");
  if ((data != nullptr) == (base64 != nullptr))
    return terms.fail("a message is either \"data\" or \"base64\"");
  if (data) {
    command.message = Message(*data);
    return;
  }
  auto bytes = protocol::decode_base64(*base64);
  if (!bytes) return terms.fail("\"base64\" is not Base64");
  command.message = Message(Message::Type::binary, *std::move(bytes));
}

void read_remarks(Terms& terms, Command& command) {
  Remarks& remarks = command.remarks;
  if (const std::string* event = terms.string("event", "\"event\" is a string")) {
    if (!may_be_event(*event) || !command.message.is_text())
      terms.fail("\"event\" is a name of 1 to 64 bytes, and none of our own, and of a text");
    remarks.event = *event;
  }
  remarks.ttl_s = terms.count("ttl", 0, longest_ttl_s, "\"ttl\" is a number of seconds, at most 31536000");
  if (const std::string* except = terms.string("except", "\"except\" is a string")) {
    if (!may_be_tag(*except)) terms.fail("\"except\" is the tag of those who are not to get it, of 1 to 64 bytes");
    remarks.except = *except;
  }
}

void read_terms(Terms& terms, Command& command) {
  if (command.kind == Kind::message) return read_message(terms, command);
  const std::string* channel = terms.string("channel", "\"channel\" is a string");
  if (!channel) return terms.fail("there is no \"channel\"");
  command.channel = *channel;
  switch (command.kind) {
    case Kind::subscribe: {
      read_after(terms, command);
      command.count = terms.count("history", 0, most_history,
                                  "\"history\" is a number of messages, at most 10000");
      const std::string* presence = terms.string("presence", "\"presence\" is a string");
      if (presence) command.presence = *presence;
      command.events = terms.boolean("events", "\"events\" is true or false");
      return;
    }
    case Kind::publish:
      read_message(terms, command);
      return read_remarks(terms, command);
    case Kind::history:
      read_after(terms, command);
      command.count = terms.count("limit", usual_history_answered, most_history_answered,
                                  "\"limit\" is a number of messages, at most 1000");
      return;
    case Kind::unsubscribe:
    case Kind::presence:
    case Kind::message:
      return;
  }
}

}  // namespace

std::variant<Command, Mistake> parse_command(std::string_view text) {
  const auto object = protocol::parse_json_object(text);
  if (!object) return Mistake{{}, "a command is one JSON object"};
  const auto id = id_of(*object);
  if (!id) return Mistake{{}, "\"id\" is a whole number from 0 to 9007199254740991"};
  const JsonValue* type = find(*object, "type");
  const auto* const kind = std::ranges::find(
      kinds, type && type->kind == JsonValue::Kind::string ? std::string_view(type->text) : "",
      &std::pair<std::string_view, Kind>::first);
  if (kind == std::end(kinds))
    return Mistake{id, "\"type\" is subscribe, unsubscribe, publish, presence, history or message"};
  Command command;
  command.kind = kind->second;
  command.id = *id;
  Terms terms(*object);
  read_terms(terms, command);
  if (terms.mistake()) return Mistake{id, terms.mistake()};
  return command;
}

}  // namespace cppwebsocket::channels
