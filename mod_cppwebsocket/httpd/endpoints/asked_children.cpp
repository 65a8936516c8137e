#include "httpd/endpoints/asked_children.hpp"

#include "channels/members/hub.hpp"
#include "httpd/child/administration.hpp"
#include "httpd/child/child.hpp"
#include "httpd/child/door.hpp"
#include "httpd/child/json_line.hpp"
#include "httpd/child/shared_channels.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

using channels::ChannelMemory;

pid_t owner_of(const ChannelMemory& memory, unsigned seat) noexcept {
  return static_cast<pid_t>(memory.seat(seat).owner & 0xffffffff);
}

std::string_view next_line(std::string_view& rest) noexcept {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  return line;
}

// False: it says something else than was asked.
bool understand(AskedChild& asked, std::string_view text) {
  auto summary = protocol::parse_json_object(next_line(text));
  if (!summary) return false;
  asked.summary = std::move(*summary);
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    auto members = protocol::parse_json_object(line);
    if (!members || members->empty() || find(*members, "child")) return false;
    std::string json = "{\"child\":" + std::to_string(asked.pid) + ",";
    asked.rows.push_back({json.append(line.substr(line.find('{') + 1)), std::move(*members)});
  }
  return asked.number("rows") == asked.rows.size();
}

AskedChild heard(pid_t pid, std::optional<unsigned> seat, std::string_view text, std::string why) {
  AskedChild asked;
  asked.pid = pid;
  asked.seat = seat;
  asked.why = std::move(why);
  if (asked.why.empty() && !understand(asked, text)) {
    asked.rows.clear();
    asked.why = "has given an answer that is none";
  }
  return asked;
}

}  // namespace

std::uint64_t number_in(const protocol::JsonObject& object, std::string_view name) noexcept {
  const protocol::JsonValue* const value = find(object, name);
  std::uint64_t number = 0;
  if (value && value->kind == protocol::JsonValue::Kind::number)
    std::from_chars(value->text.data(), value->text.data() + value->text.size(), number);
  return number;
}

std::uint64_t AskedChild::number(std::string_view name) const noexcept { return number_in(summary, name); }

std::string unanswered(const std::vector<AskedChild>& asked) {
  std::string json = "[";
  for (const AskedChild& each : asked) {
    if (each.why.empty()) continue;
    JsonLine line;
    json.append(json.size() > 1 ? "," : "");
    json.append(line.number("child", static_cast<std::uint64_t>(each.pid)).text("why", each.why).end());
  }
  return json.append("]");
}

std::vector<AskedChild> ask_all(Child& child, std::string_view question, std::chrono::milliseconds time,
                                const std::function<bool(pid_t)>& is_asked) {
  std::vector<AskedChild> all;
  std::vector<unsigned> seats;
  const pid_t self = ::getpid();
  const channels::ChannelStore& store = child.hub().store();
  const bool is_alone = &store.memory() != channel_memory();  // CWS0036
  bool asks_self = is_alone;
  if (ChannelMemory* const memory = channel_memory(); memory && !is_alone) {
    memory->free_dead_seats();
    for (unsigned i = 0; i < memory->used_seats(); ++i) {
      const pid_t pid = owner_of(*memory, i);
      if (pid <= 0 || (is_asked && !is_asked(pid))) continue;
      if (i == store.seat() && memory->seat(i).door == 0)
        asks_self = true;
      else
        seats.push_back(i);
    }
    const std::vector<Reply> replies = ask_children(*memory, seats, std::string(question) + "\n", time);
    for (std::size_t i = 0; i < replies.size(); ++i)
      all.push_back(heard(replies[i].child, seats[i], replies[i].text, replies[i].why));
  }
  if (asks_self && (!is_asked || is_asked(self)))
    all.push_back(heard(self, is_alone ? std::nullopt : std::optional(store.seat()), answer_question(child, question), ""));
  std::sort(all.begin(), all.end(), [](const AskedChild& a, const AskedChild& b) { return a.pid < b.pid; });
  return all;
}

}  // namespace cppwebsocket::httpd
