// What one client may have, how fast it may send, and how long its connections may stay open.
#include "httpd/configuration/directive.hpp"

#include <cppwebsocket/close.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace cppwebsocket::httpd {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t most_count = 10'000'000;

// Null, and why in `error`, if it is none.
ap_expr_info_t* parse_expression(cmd_parms* command, const char* text, const char*& error) {
  const char* why = nullptr;
  ap_expr_info_t* const made =
      ap_expr_parse_cmd(command, text, AP_EXPR_FLAG_STRING_RESULT, &why, nullptr);
  if (why)
    error = apr_pstrcat(command->pool, command->cmd->name, ": cannot read \"", text, "\": ", why, nullptr);
  return made;
}

// "10/1min", "10/min" or "10/s".
template <typename Parse>
bool set_rate(std::string_view text, std::uint64_t most, Parse parse, std::uint32_t& count, milliseconds& time) {
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return false;
  const auto number = parse(text.substr(0, slash));
  std::string period(text.substr(slash + 1));
  if (!period.empty() && (period[0] < '0' || period[0] > '9')) period.insert(0, 1, '1');
  const milliseconds given = period.empty() ? milliseconds(0) : parse_time(period.c_str()).value_or(milliseconds(0));
  if (!number || *number < 1 || *number > most || given.count() < 1 || given > longest_time) return false;
  count = static_cast<std::uint32_t>(*number);
  time = given;
  return true;
}

bool set_count(std::string_view text, ClientLimit& limit) {
  limit.is_share = text.ends_with('%');
  if (limit.is_share) text.remove_suffix(1);
  const auto number = parse_number(text);
  if (!number || *number < 1 || *number > (limit.is_share ? 100 : most_count)) return false;
  limit.count = static_cast<std::uint32_t>(*number);
  return true;
}

// Takes one NAME=VALUE of WebSocketLimit; false if it is none.
bool set_limit(std::string_view option, ClientLimit& limit) {
  using Kind = ClientLimit::Kind;
  const std::size_t equals = option.find('=');
  if (equals == option.npos) return false;
  const std::string_view name = option.substr(0, equals);
  const std::string_view value = option.substr(equals + 1);
  if (equal_ignoring_case(name, "connections"))
    limit.kind = Kind::connections;
  else if (equal_ignoring_case(name, "blocking"))
    limit.kind = Kind::blocking;
  else if (equal_ignoring_case(name, "handshakes"))
    limit.kind = Kind::handshakes;
  else
    return false;
  if (equal_ignoring_case(value, "off")) return true;
  return limit.kind == Kind::handshakes ? set_rate(value, most_count, parse_number, limit.count, limit.time)
                                        : set_count(value, limit);
}

void add(apr_pool_t* pool, ClientLimits& limits, const ClientLimit& limit) {
  auto* const all = static_cast<ClientLimit*>(apr_palloc(pool, sizeof(ClientLimit) * (limits.listed.size() + 1)));
  ClientLimit* end = std::remove_copy_if(
      limits.listed.begin(), limits.listed.end(), all, [&](const ClientLimit& each) {
        return each.kind == limit.kind && std::string_view(each.key) == limit.key;
      });
  *end++ = limit;
  limits.listed = {all, end};
}

const char* client_limit(cmd_parms* command, void* config, int count, char* const arguments[]) {
  constexpr const char* accepted =
      "None, or address or an expression and any of connections=N, blocking=N (a number up to 10000000, or "
      "per cent of a child's: 50%), handshakes=N/TIME (10/s, 100/5min), each of which may be off";
  auto& value = target<DirectoryConfig>(command, config).client_limits;
  if (!value) value.emplace();
  if (count == 1 && equal_ignoring_case(arguments[0], "none")) {
    value = ClientLimits{true, {}};
    return nullptr;
  }
  if (count < 2) return wrong(command, accepted, count == 0 ? "" : arguments[0]);
  ClientLimit limit;
  limit.key = apr_pstrdup(command->pool, arguments[0]);
  limit.place = command->path ? command->path : "";
  limit.is_of_host = command->server->is_virtual != 0;
  if (equal_ignoring_case(limit.key, "address")) {
    limit.key = "address";
  } else if (!std::strpbrk(limit.key, "%$")) {
    return wrong(command, accepted, limit.key);  // the same for all clients
  } else {
    const char* error = nullptr;
    limit.expression = parse_expression(command, limit.key, error);
    if (error) return error;
  }
  for (int i = 1; i < count; ++i) {
    ClientLimit each = limit;
    if (!set_limit(arguments[i], each)) return wrong(command, accepted, arguments[i]);
    add(command->pool, *value, each);
  }
  return nullptr;
}

// Codes that a client may be closed with on account of a rule.
std::optional<CloseCode> parse_rule_code(std::string_view text) noexcept {
  const auto code = parse_number(text);
  const bool is_one = code && (*code == close_code::policy_violation || *code == close_code::try_again_later ||
                               *code == close_code::going_away || (*code >= 3000 && *code <= 4999));
  return is_one ? std::optional(static_cast<CloseCode>(*code)) : std::nullopt;
}

// Off, or MESSAGES/TIME and bytes=BYTES/TIME, and slow or close=CODE.
const char* message_rate(cmd_parms* command, void* config, int count, char* const arguments[]) {
  constexpr const char* accepted =
      "Off, or messages=N/TIME and bytes=BYTES/TIME (100/s, 1M/10s) or one of them, and slow (the default) or "
      "close=1001, 1008, 1013, or 3000 to 4999";
  runtime::PaceLimits pace;
  for (int i = 0; i < count; ++i) {
    const std::string_view option = arguments[i];
    const std::size_t equals = std::min(option.find('='), option.size());
    const std::string_view name = option.substr(0, equals);
    const std::string_view value = option.substr(std::min(equals + 1, option.size()));
    milliseconds time{};
    bool good = false;
    if (equal_ignoring_case(name, "messages")) {
      good = set_rate(value, most_count, parse_number, pace.messages.count, time);
      pace.messages.time = time;
    } else if (equal_ignoring_case(name, "bytes")) {
      good = set_rate(value, most_bytes, parse_bytes, pace.bytes.count, time);
      pace.bytes.time = time;
    } else if (equal_ignoring_case(name, "close")) {
      pace.close = parse_rule_code(value);
      good = pace.close.has_value();
    } else {
      good = equal_ignoring_case(option, "slow") || (count == 1 && equal_ignoring_case(option, "off"));
    }
    if (!good) return wrong(command, accepted, arguments[i]);
  }
  const bool is_off = count == 1 && equal_ignoring_case(arguments[0], "off");
  if (!is_off && pace.messages.count == 0 && pace.bytes.count == 0)
    return wrong(command, accepted, count == 0 ? "" : arguments[0]);
  target<DirectoryConfig>(command, config).pace = pace;
  return nullptr;
}

const char* max_age(cmd_parms* command, void* config, const char* age, const char* code) {
  constexpr const char* accepted =
      "Off, a time from 1s to 1000h (units s, min, h; seconds without) or expr=EXPRESSION, which gives seconds or a "
      "time in seconds since 1970, and the code of the Close: 1001, 1008, 1013, or 3000 to 4999";
  constexpr std::string_view expr = "expr=";
  MaxAge made;
  if (std::string_view(age).starts_with(expr)) {
    const char* error = nullptr;
    made.expression = parse_expression(command, age + expr.size(), error);
    if (error) return error;
  } else if (!equal_ignoring_case(age, "off")) {
    const auto given = parse_time(age);
    if (!given || *given < std::chrono::seconds(1) || *given > longest_time) return wrong(command, accepted, age);
    made.time = *given;
  }
  if (code) {
    const auto parsed = parse_rule_code(code);
    if (!parsed) return wrong(command, accepted, code);
    made.code = *parsed;
  }
  target<DirectoryConfig>(command, config).max_age = made;
  return nullptr;
}

}  // namespace

Rows limit_directives() {
  static const command_rec rows[] = {
      take_list<client_limit>(
          "WebSocketLimit", directory,
          "What a client may have: address or an expression that names it, and connections=N|P%, "
          "blocking=N|P%, handshakes=N/TIME; or None (default: an address that is not private has 75% of "
          "a child's connections and blocking threads)"),
      take_list<message_rate>(
          "WebSocketMessageRate", directory,
          "How fast one connection may send: messages=N/TIME, bytes=BYTES/TIME, and slow (the default) or "
          "close=CODE; or Off (the default)"),
      take12<max_age>("WebSocketMaxAge", directory,
                      "Close a connection that has been open so long: a time, or expr=EXPRESSION that gives "
                      "seconds or a time since 1970; and a code (default 1008); or Off (the default)"),
  };
  return rows;
}

}  // namespace cppwebsocket::httpd
