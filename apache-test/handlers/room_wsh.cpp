// A member of the channel that the query names: "?NAME[&OPTION...]". Options: reserve (its place is taken
// in the handshake), json, events, receive,
// history[=N] (keeps 1000 messages, or N), recent=N, resume=POSITION, presence=INFO, queued=BYTES,
// slow=oldest|newest. It says "in POSITION" or "recovered POSITION" when it has joined.
//
//   +TEXT  publish a text         *TEXT  publish it as binary      =N  publish "0" to "N-1" at once
//   ?      the members here: "here N", of all children: "all N"
//   -      leave: "out"
#include <charconv>

#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

namespace {

struct Wish {
  std::string name;
  ChannelOptions channel;
  JoinOptions join;
  bool reserves = false;
};

std::size_t number_of(std::string_view text) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Wish wish_of(std::string_view query) {
  Wish wish;
  for (bool first = true; !query.empty(); first = false) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view name = part.substr(0, equals);
    const std::string_view value = part.substr(std::min(equals + 1, part.size()));
    query.remove_prefix(std::min(end + 1, query.size()));
    if (first) wish.name = part;
    if (name == "reserve") wish.reserves = true;
    if (name == "json") wish.join.json = true;
    if (name == "events") wish.join.events = true;
    if (name == "receive") wish.join.receive = true;
    if (name == "history")
      wish.channel.history = value.empty() ? 1000 : static_cast<std::uint32_t>(number_of(value));
    if (name == "recent") wish.join.history = static_cast<std::uint32_t>(number_of(value));
    if (name == "resume") wish.join.resume = Position::parse(value);
    if (name == "presence") wish.join.presence = std::string(value);
    if (name == "queued") wish.join.max_queued = number_of(value);
    if (value == "oldest") wish.join.slow = SlowPolicy::drop_oldest;
    if (value == "newest") wish.join.slow = SlowPolicy::drop_newest;
  }
  return wish;
}

Task<> show(Request& request, Membership& room) {
  while (auto next = co_await room.receive()) {
    std::string text = next->kind == Publication::Kind::gap ? "gap" : "got ";
    if (next->kind == Publication::Kind::message) text += next->message.payload();
    if (next->member)
      text = (next->kind == Publication::Kind::joined ? "joined " : "left ") + next->member->info;
    co_await msgutil::send_message(request, std::move(text));
  }
}

}  // namespace

void web_socket_do_extra_handshake(Request& request) {
  const Wish wish = wish_of(request.ws_query());
  if (wish.reserves) Channel::named(wish.name).reserve(request);
}

Task<> web_socket_transfer_data(Request& request) {
  const Wish wish = wish_of(request.ws_query());
  const bool receives = wish.join.receive;
  const Channel channel = Channel::named(wish.name, wish.channel);
  std::optional<Membership> room(channel.join(request, wish.join));
  const Recovery recovery = co_await room->recovery();
  std::string begin = recovery.recovered ? "recovered " : "in ";
  begin += recovery.position.to_string();
  co_await msgutil::send_message(request, std::move(begin));
  if (receives) request.spawn(show(request, *room));
  while (auto message = co_await msgutil::receive_message(request)) {
    const std::string_view text = message->text();
    const std::string_view rest = text.substr(std::min<std::size_t>(text.size(), 1));
    if (text.starts_with('+')) channel.publish(rest);
    if (text.starts_with('*')) channel.publish(Message::binary(std::string(rest)));
    if (text.starts_with('='))
      for (std::size_t i = 0; i < number_of(rest); ++i) room->publish(std::to_string(i));
    if (text.starts_with('?')) {
      std::string answer = "here " + std::to_string(channel.local_members());
      co_await msgutil::send_message(request, std::move(answer));
    }
    if (text.starts_with('-')) {
      room.reset();
      co_await msgutil::send_message(request, "out");
    }
  }
}
