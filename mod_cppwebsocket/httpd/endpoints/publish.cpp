#include "httpd/endpoints/publish.hpp"

#include "channels/members/hub.hpp"
#include "channels/members/json_envelope.hpp"
#include "channels/members/publisher.hpp"
#include "channels/store/idempotency.hpp"
#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/endpoints/end_point.hpp"
#include "httpd/endpoints/hooked_request.hpp"
#include "httpd/endpoints/idempotency.hpp"
#include "httpd/endpoints/published_message.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/answer.hpp"
#include "httpd/request/preflight.hpp"
#include "protocol/opening/channel_request.hpp"
#include "protocol/opening/header_fields.hpp"

#include <cppwebsocket/channel.hpp>

#include <http_protocol.h>
#include <http_request.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cppwebsocket::httpd {

namespace {

constexpr std::uint32_t most_history = 1'000;  // messages in one answer
constexpr std::uint32_t usual_history = 100;
constexpr std::size_t most_lines = 1'000;  // in one request

using Outcome = channels::IdempotencyTable::Outcome;
using Answer = channels::IdempotencyTable::Answer;

// One request about one channel.
class PublishRequest {
 public:
  PublishRequest(request_rec* r, std::span<Header> headers, std::string_view path, Channel channel)
      : r_(r),
        path_(path),
        fields_(headers),
        channel_(std::move(channel)),
        options_(channel_options_of(r)),
        settings_(settings_of(directory_config_of(r))) {}

  int post() {
    auto read = read_message(r_, fields_, settings_.limits.max_message_size);
    if (const int* refused = std::get_if<int>(&read)) return *refused;
    auto name = idempotency_name(r_, fields_, channel_.name());
    if (const int* refused = std::get_if<int>(&name)) return *refused;
    const auto& key = std::get<std::string>(name);
    auto& message = std::get<Message>(read);
    auto remarks = read_remarks(r_, message);
    if (const int* refused = std::get_if<int>(&remarks)) return *refused;
    remarks_ = std::get<channels::Remarks>(std::move(remarks));
    const auto how = protocol::query_value(view(r_->args), "messages");
    if (how && (*how != "lines" || !message.is_text()))
      return refuse(r_, HTTP_BAD_REQUEST, "messages=lines is all there is, and its body is text: each line is a message.");
    if (how) return post_lines(key, message.text());
    Answer said;
    if (const auto refused = publish(key, std::move(message), said)) return *refused;
    return answer(said);
  }

  int get() {
    if (const auto refused = refuse_reader(r_, path_, channel_.name())) return *refused;
    const auto limit = count_of("limit");
    if (!limit) return refuse(r_, HTTP_BAD_REQUEST, "limit= is a number, at most 1000.");
    std::optional<Position> after, before;
    if (!read_position("after", after)) return refuse(r_, HTTP_BAD_REQUEST, "after= is not a position.");
    if (!read_position("before", before)) return refuse(r_, HTTP_BAD_REQUEST, "before= is not a position.");
    if (after && before) return refuse(r_, HTTP_BAD_REQUEST, "after= goes forward, before= backward: which?");
    const History history = before ? Child::current()->hub().history_before(channel_.name(), *before, *limit)
                                   : channel_.history(after, *limit);
    std::string json = begin();
    json.append(",\"members\":").append(std::to_string(channel_.members()));
    add_position(json, history.newest);
    add_presence(json);
    json.append(",\"complete\":").append(history.complete ? "true" : "false");
    json.append(",\"messages\":[");
    // Message by message: as JSON they may be many times what the history takes.
    begin_answer();
    bool goes_on = write(json);
    for (std::size_t i = 0; i < history.publications.size() && goes_on; ++i)
      goes_on =
          write((i == 0 ? "" : ",") + channels::json_of(channel_.name(), history.publications[i]));
    if (goes_on) write("]}\n");
    return OK;
  }

  int remove() {
    for (const char* name : {"limit", "after", "before"})
      if (protocol::query_value(view(r_->args), name))
        return refuse(r_, HTTP_BAD_REQUEST, "DELETE is of the whole history: without limit=, after= and before=.");
    channels::Hub& hub = Child::current()->hub();
    if (!hub.deletes_histories())
      return refuse(r_, HTTP_NOT_IMPLEMENTED,
                    "With a WebSocketBackplane other machines have this history, too: it is not deleted here.");
    const auto deleted = hub.delete_history(channel_.name());
    if (!deleted) return HTTP_SERVICE_UNAVAILABLE;
    std::string json = begin();
    json.append(",\"deleted\":").append(std::to_string(deleted->messages));
    add_position(json, deleted->position);
    begin_answer();
    write(json.append("}\n"));
    return OK;
  }

 private:
  // False: it is there, and is none.
  bool read_position(std::string_view name, std::optional<Position>& position) const {
    const auto text = protocol::query_value(view(r_->args), name);
    if (text && !text->empty()) position = Position::parse(*text);
    return !text || text->empty() || position;
  }
  std::optional<std::uint32_t> count_of(std::string_view name) const {
    const auto text = protocol::query_value(view(r_->args), name);
    return text ? protocol::parse_count(*text, most_history) : usual_history;
  }

  // Each with a key of its own, so that a retry publishes what is missing.
  int post_lines(const std::string& key, std::string_view text) {
    const std::vector<std::string_view> lines = protocol::lines_of(text, most_lines + 1);
    if (lines.empty() || lines.size() > most_lines)
      return refuse(r_, HTTP_BAD_REQUEST, "messages=lines takes from 1 to 1000 lines that are not empty.");
    const std::size_t most_bytes = Child::current()->hub().store().largest_payload();
    if (std::ranges::any_of(lines, [&](std::string_view line) { return line.size() > most_bytes; }))
      return refuse_too_large();
    std::string json = begin(), positions;
    Answer said;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      Message message{std::string(lines[i])};
      detail::MessageAccess::set_validated(message);
      const std::string number = std::to_string(i) + "/" + std::to_string(lines.size());
      if (const auto refused = publish(key.empty() ? key : key + '\0' + number, std::move(message), said))
        return *refused;
      positions.append(positions.empty() ? "" : ",");
      append_position(positions, said.position);
    }
    tell_replayed();
    json.append(",\"members\":").append(std::to_string(said.members)).append(",\"positions\":[").append(positions);
    begin_answer();
    write(json.append("]}\n"));
    return OK;
  }

  // What the content handler must return, if it is not published now and was not before. `name` is that of its key, or empty.
  std::optional<int> publish(const std::string& name, Message&& message, Answer& said) {
    if (name.empty()) return publish_now(std::move(message), said);
    channels::IdempotencyTable* const table = Child::current()->idempotency();
    if (!table) return refuse_attempt(r_, Outcome::no_room);
    auto attempt = begin_once(*table, name, message);
    if (attempt.outcome() == Outcome::repeated) {
      said = attempt.answer();
      return std::nullopt;
    }
    if (attempt.outcome() != Outcome::first) return refuse_attempt(r_, attempt.outcome());
    const auto refused = publish_now(std::move(message), said);
    if (!refused) attempt.finish(said);
    return refused;
  }

  // A retry with its key does not come here, so no application is asked about it again.
  std::optional<int> publish_now(Message&& message, Answer& said) {
    if (const auto refused = refuse_message(r_, path_, channel_.name(), message)) return refused;
    is_new_ = true;
    const PublishResult result = Child::current()->hub().publish(
        channel_.name(), options_, std::move(message), channels::publisher_of(view(r_->useragent_ip)), remarks_);
    if (result.status == PublishStatus::too_large) return refuse_too_large();
    if (!result) {
      log_request(r_, APLOG_WARNING,
                  "CWS0046: no room for another channel, so nothing can be "
                  "published: raise WebSocketChannelMemory");
      return HTTP_SERVICE_UNAVAILABLE;
    }
    said = {result.position, channel_.members()};
    return std::nullopt;
  }

  int refuse_too_large() {
    return refuse(r_, HTTP_REQUEST_ENTITY_TOO_LARGE,
                  "The message is larger than a quarter of what a child process has of "
                  "WebSocketChannelMemory.");
  }

  void tell_replayed() {
    if (!is_new_) apr_table_setn(r_->headers_out, "Idempotent-Replayed", "true");
  }

  int answer(const Answer& said) {
    tell_replayed();
    std::string json = begin();
    json.append(",\"members\":").append(std::to_string(said.members));
    add_position(json, said.position);
    begin_answer();
    write(json.append("}\n"));
    return OK;
  }

  std::string begin() const {
    std::string json = "{\"channel\":";
    channels::append_json_string(json, channel_.name());
    return json;
  }

  static void add_position(std::string& json, Position position) {
    append_position(json.append(",\"position\":"), position);
  }

  static void append_position(std::string& json, Position position) {
    if (position == Position())
      json.append("null");
    else
      channels::append_json_string(json, position.to_string());
  }

  void add_presence(std::string& json) const {
    json.append(",\"presence\":[");
    const char* separator = "";
    for (const Member& member : channel_.presence()) {
      json.append(std::exchange(separator, ",")).append("{\"id\":");
      channels::append_json_string(json, member.id);
      json.append(",\"info\":");
      channels::append_json_string(json, member.info);
      json.append("}");
    }
    json.append("]");
  }

  void begin_answer() {
    ap_set_content_type(r_, "application/json");
    apr_table_setn(r_->headers_out, "Cache-Control", "no-store");
  }

  // False if the client is gone, or wants no body.
  bool write(std::string_view json) {
    constexpr std::size_t at_once = 1 << 20;  // bytes; httpd counts them in an int
    while (!json.empty() && !r_->header_only) {
      const std::string_view piece = json.substr(0, at_once);
      if (ap_rwrite(piece.data(), static_cast<int>(piece.size()), r_) < 0) return false;
      json.remove_prefix(piece.size());
    }
    return json.empty();
  }

  request_rec* r_;
  std::string_view path_;
  protocol::HeaderFields fields_;
  Channel channel_;
  ChannelOptions options_;
  Settings settings_;
  channels::Remarks remarks_;
  bool is_new_ = false;  // something was published now
};

}  // namespace

int publish(request_rec* r, std::span<Header> headers, std::string_view path) {
  // Visitors may publish at other end points.
  const bool takes_delete = end_point_of(r) == EndPoint::publish;
  ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, M_POST, M_OPTIONS, takes_delete ? M_DELETE : -1, -1);
  if (r->method_number == M_OPTIONS)
    return answer_options(r, headers, settings_of(directory_config_of(r)).origin,
                          takes_delete ? "GET, POST, DELETE" : "GET, POST");
  const bool deletes = takes_delete && r->method_number == M_DELETE;
  if (r->method_number != M_GET && r->method_number != M_POST && !deletes) return HTTP_METHOD_NOT_ALLOWED;
  if (const auto refused = refuse_publisher(r, headers)) return *refused;
  auto found = channels_of(r, path);
  if (const int* refused = std::get_if<int>(&found)) return *refused;
  auto& names = std::get<std::vector<std::string>>(found);
  if (names.size() > 1) {
    log_request(
        r, APLOG_ERR,
        "CWS0047: WebSocketChannel names several channels, and only one can be published to "
        "at a time");
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  PublishRequest request(r, headers, path,
                         Channel::named(std::move(names.front()), channel_options_of(r)));
  if (deletes) return request.remove();
  return r->method_number == M_POST ? request.post() : request.get();
}

}  // namespace cppwebsocket::httpd
