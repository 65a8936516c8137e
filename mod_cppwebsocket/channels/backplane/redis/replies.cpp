#include "channels/backplane/redis/replies.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <vector>

#include "channels/backplane/envelope.hpp"

namespace cppwebsocket::channels {

namespace {

constexpr std::size_t longest_error = 200;  // bytes, in a log line

std::span<const redisReply* const> elements_of(const redisReply& reply) noexcept {
  if (reply.type != REDIS_REPLY_ARRAY) return {};
  return {const_cast<const redisReply* const*>(reply.element), reply.elements};
}

template <typename Number>
bool parse_all(std::string_view text, Number& number, int radix) noexcept {
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, radix);
  return read.ec == std::errc() && read.ptr == end;
}

bool is_too_old(const Record& record, std::int64_t now_ms) noexcept {
  const std::int64_t bound_ms = std::int64_t{record.bound.seconds} * 1000;
  return bound_ms != 0 && record.time_ms < now_ms - bound_ms;
}

// Of the entry "42-0", or 0.
std::uint64_t offset_of(const redisReply& reply) noexcept {
  const auto entry = elements_of(reply);
  const std::string_view id = entry.empty() ? std::string_view() : text_of(*entry[0]);
  std::uint64_t offset = 0;
  return parse_all(id.substr(0, id.find('-')), offset, 10) ? offset : 0;
}

// ["42-0", ["m", envelope]]
std::optional<Record> parse_entry(const redisReply& reply, std::uint64_t epoch) {
  const auto entry = elements_of(reply);
  if (entry.size() != 2) return std::nullopt;
  std::string_view id = text_of(*entry[0]);
  const auto fields = elements_of(*entry[1]);
  if (!id.ends_with("-0") || fields.size() != 2 || text_of(*fields[0]) != "m") return std::nullopt;
  id.remove_suffix(2);
  auto envelope = parse_envelope(text_of(*fields[1]));
  if (!envelope || !is_numbered(envelope->record.kind)) return std::nullopt;
  envelope->record.position.epoch = epoch;
  if (!parse_all(id, envelope->record.position.offset, 10)) return std::nullopt;
  return std::move(envelope->record);
}

// Of a flat array of names and values; empty if there is none.
std::string_view field_of(const redisReply& reply, std::string_view name) noexcept {
  if (reply.type != REDIS_REPLY_ARRAY) return {};
  for (std::size_t i = 0; i + 1 < reply.elements; i += 2)
    if (text_of(*reply.element[i]) == name) return text_of(*reply.element[i + 1]);
  return {};
}

}  // namespace

std::string_view text_of(const redisReply& reply) noexcept {
  if (reply.type != REDIS_REPLY_STRING && reply.type != REDIS_REPLY_STATUS) return {};
  return {reply.str, static_cast<std::size_t>(reply.len)};
}

std::string error_of(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ERROR) return {};
  std::string text(reply.str, std::min(static_cast<std::size_t>(reply.len), longest_error));
  std::ranges::replace_if(text, [](unsigned char c) { return c < ' ' || c > '~'; }, '?');
  return text.empty() ? "an error without a text" : text;
}

std::optional<Push> parse_push(const redisReply& reply) noexcept {
  const auto parts = elements_of(reply);
  if (parts.empty()) return std::nullopt;
  const std::string_view kind = text_of(*parts[0]);
  if (kind == "pong") return Push{Push::Kind::pong, {}, {}};
  if (parts.size() != 3) return std::nullopt;
  const std::string_view topic = text_of(*parts[1]);
  if (kind == "message") {
    if (parts[2]->type != REDIS_REPLY_STRING) return std::nullopt;
    return Push{Push::Kind::message, topic, text_of(*parts[2])};
  }
  if (kind == "subscribe") return Push{Push::Kind::subscribed, topic, {}};
  if (kind == "unsubscribe") return Push{Push::Kind::unsubscribed, topic, {}};
  return std::nullopt;
}

std::optional<StoredHistory> parse_history(const redisReply& reply, std::optional<Position> after,
                                           std::int64_t now_ms) {
  StoredHistory history;
  if (reply.type != REDIS_REPLY_ARRAY) return std::nullopt;
  const auto parts = elements_of(reply);
  if (parts.empty()) return history;
  if (parts.size() != 3 || parts[2]->type != REDIS_REPLY_ARRAY ||
      !parse_all(text_of(*parts[0]), history.newest.epoch, 16) ||
      !parse_all(text_of(*parts[1]), history.newest.offset, 10))
    return std::nullopt;
  // Without gaps from `after` on; and another epoch's are not those that were asked for.
  const bool is_same_epoch = !after || after->epoch == history.newest.epoch;
  if (!is_same_epoch) return history;
  std::uint64_t last = after ? after->offset : 0;
  history.complete = last <= history.newest.offset;
  for (const redisReply* entry : elements_of(*parts[2])) {
    history.looked_to = std::max(history.looked_to, offset_of(*entry));
    auto record = parse_entry(*entry, history.newest.epoch);
    if (!record || record->position.offset <= last || is_too_old(*record, now_ms)) {
      history.complete = false;
      continue;
    }
    const bool is_first = !after && history.records.empty();
    if (record->kind == RecordKind::lost ||
        (!is_first && record->position.offset != last + 1))
      history.complete = false;
    last = record->position.offset;
    history.records.push_back(std::move(*record));
  }
  if (after && last != history.newest.offset && history.records.empty()) history.complete = false;
  return history;
}

std::optional<SentinelAnswer> SentinelAnswer::parse(const redisReply& reply) {
  SentinelAnswer answer;
  answer.master.host = field_of(reply, "ip");
  if (answer.master.host.empty() || !parse_all(field_of(reply, "port"), answer.master.port, 10) ||
      !parse_all(field_of(reply, "config-epoch"), answer.epoch, 10))
    return std::nullopt;
  return answer;
}

std::optional<BackplaneUrl::Server> parse_switch(std::string_view message, std::string_view name) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t end = message.find(' ');
    words.push_back(message.substr(0, end));
    if (end == message.npos) break;
    message.remove_prefix(end + 1);
  }
  BackplaneUrl::Server master;
  if (words.size() != 5 || words[0] != name || words[3].empty() || !parse_all(words[4], master.port, 10))
    return std::nullopt;
  master.host = words[3];
  return master;
}

}  // namespace cppwebsocket::channels
