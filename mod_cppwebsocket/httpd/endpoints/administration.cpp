#include "httpd/endpoints/administration.hpp"

#include "httpd/child/administration.hpp"
#include "httpd/child/child.hpp"
#include "httpd/child/json_line.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/endpoints/asked_children.hpp"
#include "httpd/endpoints/dashboard.hpp"
#include "httpd/endpoints/end_point.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/body.hpp"
#include "httpd/request/cross_origin.hpp"
#include "httpd/request/guard.hpp"
#include "protocol/frames/utf8.hpp"
#include "protocol/opening/channel_request.hpp"
#include "protocol/opening/header_fields.hpp"

#include <http_protocol.h>
#include <http_request.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace cppwebsocket::httpd {

namespace {

constexpr std::uint32_t usual_rows = 100, most_listed = 1'000;
constexpr std::chrono::milliseconds time_to_hear{2'000};  // of all children together

// --- what is asked ------------------------------------------------------------------------------

std::optional<std::string> given(const request_rec* r, std::string_view name) {
  return protocol::query_value(view(r->args), name);
}

std::optional<std::uint32_t> limit_of(const request_rec* r) {
  const auto text = given(r, "limit");
  return text ? protocol::parse_count(*text, most_listed) : usual_rows;
}

// "1234-56": behind that connection of that child.
struct After {
  pid_t child = 0;
  std::string id = "0";
};
std::optional<After> after_of(const request_rec* r) {
  const auto text = given(r, "after");
  if (!text) return After();
  const std::size_t at = std::min(text->find('-'), text->size());
  const auto child = protocol::parse_count(text->substr(0, at), 1u << 30);
  const std::string id = at < text->size() ? text->substr(at + 1) : "";
  if (!child || id.empty() || id.find_first_not_of("0123456789") != id.npos) return std::nullopt;
  return After{static_cast<pid_t>(*child), id};
}

JsonLine selecting(const request_rec* r) {
  JsonLine question;
  for (const char* name : {"id", "user", "address", "handler", "channel", "search"})
    if (const auto text = given(r, name); text && (!text->empty() || name == std::string_view("user")))
      question.text(name, *text);
  return question;
}

// --- what is answered ---------------------------------------------------------------------------

bool is_table(const request_rec* r) { return given(r, "format") == "tsv"; }

// For a terminal: no control character gets there.
std::string cell(std::string_view text) {
  std::string cell(text);
  std::replace_if(cell.begin(), cell.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return cell.empty() ? "-" : cell;
}

std::string cell(const protocol::JsonValue& value) {
  using Kind = protocol::JsonValue::Kind;
  if (value.kind == Kind::boolean) return value.boolean ? "yes" : "no";
  if (value.kind != Kind::strings) return cell(value.text);
  std::string all;
  for (const std::string& each : value.strings) all.append(all.empty() ? "" : ",").append(each);
  return cell(all);
}

std::string table_of(const std::vector<const AskedChild::Row*>& rows, const std::vector<pid_t>& children,
                     std::initializer_list<const char*> columns) {
  std::string table = "child";
  for (const char* each : columns) table.append("\t").append(each);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    table.append("\n").append(std::to_string(children[i]));
    for (const char* each : columns) {
      const protocol::JsonValue* const value = find(rows[i]->members, each);
      table.append("\t").append(value ? cell(*value) : "-");
    }
  }
  return table.append("\n");
}

std::string joined(const std::vector<const AskedChild::Row*>& rows) {
  std::string json = "[";
  for (const AskedChild::Row* each : rows) json.append(json.size() > 1 ? ",\n" : "\n").append(each->json);
  return json.append("]");
}

int answer_json(request_rec* r, JsonLine& line) {
  return answer_text(r, HTTP_OK, "application/json", line.end().append("\n"));
}
int answer_table(request_rec* r, std::string_view table) {
  return answer_text(r, HTTP_OK, "text/tab-separated-values; charset=utf-8", table);
}

// --- the addresses ------------------------------------------------------------------------------

int tell_connections(request_rec* r, Child& child) {
  const auto limit = limit_of(r);
  const auto after = after_of(r);
  const auto only = given(r, "child");
  const auto only_child = only ? protocol::parse_count(*only, 1u << 30) : std::nullopt;
  if (!limit || *limit == 0) return answer_error(r, HTTP_BAD_REQUEST, "bad-limit", "limit= is a number from 1 to 1000.");
  if (!after) return answer_error(r, HTTP_BAD_REQUEST, "bad-after", "after= is what \"next\" was in the answer before.");
  if (only && !only_child) return answer_error(r, HTTP_BAD_REQUEST, "bad-child", "child= is a process id.");
  JsonLine question = selecting(r);
  question.text("ask", "connections").text("limit", std::to_string(*limit + 1));
  question.text("after_child", std::to_string(after->child)).text("after", after->id);
  const auto asked = ask_all(child, question.end(), time_to_hear, [&](pid_t pid) {
    return !only_child || pid == static_cast<pid_t>(*only_child);
  });
  std::vector<const AskedChild::Row*> rows;
  std::vector<pid_t> children;
  std::uint64_t count = 0, silent = 0;
  bool has_more = false;
  for (const AskedChild& each : asked) {
    count += each.number("count");
    silent += each.number("silent");
    for (const AskedChild::Row& row : each.rows) {
      if (has_more = rows.size() == *limit; has_more) break;
      rows.push_back(&row);
      children.push_back(each.pid);
    }
  }
  if (is_table(r))
    return answer_table(r, table_of(rows, children, {"id", "user", "address", "handler", "resource", "way", "age", "messages_in",
                                                     "messages_out", "bytes_in", "bytes_out", "unsent", "channels"}));
  JsonLine answer;
  answer.json("connections", joined(rows)).number("count", count);
  if (has_more)
    answer.text("next", std::to_string(children.back()) + "-" + std::to_string(number_in(rows.back()->members, "id")));
  else
    answer.json("next", "null");
  return answer_json(r, answer.number("silent_reactors", silent).json("unanswered", unanswered(asked)));
}

int tell_channels(request_rec* r, Child& child) {
  const auto limit = limit_of(r);
  if (!limit || *limit == 0) return answer_error(r, HTTP_BAD_REQUEST, "bad-limit", "limit= is a number from 1 to 1000.");
  JsonLine question;
  question.text("ask", "channels").text("search", given(r, "search").value_or("")).text("limit", std::to_string(*limit));
  const auto asked = ask_all(child, question.end(), time_to_hear);
  struct Channel {
    std::uint64_t members = 0, children = 0;
    std::string position;
  };
  std::map<std::string, Channel> all;
  for (const AskedChild& each : asked)
    for (const AskedChild::Row& row : each.rows) {
      const auto* name = find(row.members, "channel");
      const auto* position = find(row.members, "position");
      if (!name || !position) continue;
      Channel& channel = all[name->text];
      channel.members += number_in(row.members, "members");
      ++channel.children;
      channel.position = position->text;
    }
  std::vector<std::pair<std::string, Channel>> sorted(all.begin(), all.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second.members > b.second.members; });
  std::string json = "[", table = "channel\tmembers\tchildren\tposition\n";
  for (std::size_t i = 0; i < std::min<std::size_t>(sorted.size(), *limit); ++i) {
    const auto& [name, channel] = sorted[i];
    JsonLine line;
    line.text("channel", name).number("members", channel.members).number("children", channel.children);
    json.append(i == 0 ? "\n" : ",\n").append(line.text("position", channel.position).end());
    table.append(cell(name)).append("\t").append(std::to_string(channel.members)).append("\t");
    table.append(std::to_string(channel.children)).append("\t").append(cell(channel.position)).append("\n");
  }
  if (is_table(r)) return answer_table(r, table);
  JsonLine answer;
  answer.json("channels", json.append("]")).flag("complete", sorted.size() <= *limit);
  return answer_json(r, answer.json("unanswered", unanswered(asked)));
}

int tell_log(request_rec* r, Child& child) {
  const auto asked = ask_all(child, R"({"ask":"log"})", time_to_hear);
  std::vector<const AskedChild::Row*> rows;
  for (const AskedChild& each : asked)
    for (const AskedChild::Row& row : each.rows) rows.push_back(&row);
  std::stable_sort(rows.begin(), rows.end(), [](const auto* a, const auto* b) {
    return number_in(a->members, "time_us") < number_in(b->members, "time_us");
  });
  if (rows.size() > most_listed) rows.erase(rows.begin(), rows.end() - most_listed);
  JsonLine answer;
  return answer_json(r, answer.json("lines", joined(rows)).json("unanswered", unanswered(asked)));
}

int tell_status(request_rec* r, Child& child) {
  const auto asked = ask_all(child, R"({"ask":"status"})", time_to_hear);
  return is_table(r) ? answer_table(r, status_table(asked))
                     : answer_text(r, HTTP_OK, "application/json", status_json(child, asked));
}

int get(request_rec* r, Child& child, std::string_view what) {
  if (what.empty() || what == "status") return tell_status(r, child);
  if (what == "connections") return tell_connections(r, child);
  if (what == "channels") return tell_channels(r, child);
  if (what == "log") return tell_log(r, child);
  return answer_error(r, HTTP_NOT_FOUND, "not-found", "Here are status, connections, channels and log.");
}

int post(request_rec* r, Child& child, const protocol::HeaderFields& fields) {
  std::string_view type = fields.first("Content-Type").value_or("");
  type = protocol::trim(type.substr(0, type.find(';')));
  if (!protocol::equal_ignoring_case(type, "application/json"))  // which no form of another page can send
    return answer_error(r, HTTP_UNSUPPORTED_MEDIA_TYPE, "not-json", "The body is JSON, as Content-Type: application/json.");
  std::string body;
  const std::size_t most = 2 * std::size_t{settings_of(directory_config_of(r)).limits.max_message_size} + (64 << 10);
  if (const int refused = read_body(r, most, body); refused != OK)
    return answer_error(r, refused, "bad-body", "The body cannot be read, or is larger than a message may be.");
  if (!protocol::is_utf8(body)) return answer_error(r, HTTP_BAD_REQUEST, "bad-json", "The body is not UTF-8.");
  return do_as_told(r, child, body);
}

// Who may come is httpd's to say; that somebody has said it is asked here.
bool is_guarded(request_rec* r, std::string_view path) {
  if (has_require(r, path)) return true;
  log_request(r, APLOG_ERR,
              "CWS0111: refused, because nothing says who may administer: the <Location> of websocket-admin or "
              "websocket-dashboard needs a Require, such as Require local");
  return false;
}

}  // namespace

int answer_text(request_rec* r, int status, const char* type, std::string_view text) {
  r->status = status;
  ap_set_content_type(r, type);
  apr_table_setn(r->headers_out, "Cache-Control", "no-store");
  apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
  constexpr std::size_t at_once = 1 << 20;  // bytes; httpd counts them in an int
  while (!text.empty() && !r->header_only) {
    const std::string_view piece = text.substr(0, at_once);
    if (ap_rwrite(piece.data(), static_cast<int>(piece.size()), r) < 0) break;
    text.remove_prefix(piece.size());
  }
  return OK;
}

int answer_error(request_rec* r, int status, std::string_view name, std::string_view message) {
  JsonLine line;
  return answer_text(r, status, "application/json", line.text("error", name).text("message", message).end().append("\n"));
}

int serve_administration(request_rec* r, Child& child, std::span<Header> headers, std::string_view path,
                         bool has_page) {
  ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, M_POST, -1);
  const bool is_post = r->method_number == M_POST;
  if (r->method_number != M_GET && !is_post) return HTTP_METHOD_NOT_ALLOWED;
  const auto location = location_of(r, path);
  if (!location) {
    tell_of_no_location(r);
    return answer_error(r, HTTP_INTERNAL_SERVER_ERROR, "no-location", "SetHandler has to stand in a <Location>.");
  }
  if (!is_guarded(r, path))
    return answer_error(r, HTTP_FORBIDDEN, "unguarded", "Nothing says who may administer; the server's error log says what is missing.");
  std::string_view what = path.substr(location->size());
  while (what.starts_with('/')) what.remove_prefix(1);
  if (has_page && what.empty() && !is_post) return serve_dashboard(r);
  const protocol::HeaderFields fields(headers);
  if (refuses_other_pages(r, OriginPolicy(), fields, is_post))
    return answer_error(r, HTTP_FORBIDDEN, "other-origin", "Pages of this origin may not administer; the server's error log says why.");
  return is_post ? post(r, child, fields) : get(r, child, what);
}

}  // namespace cppwebsocket::httpd
