// ws://host/chat: rooms for all who come, in whichever child or machine they are served. The first
// message says which room, who, and the last position that the client has, each on a line of its
// own; every other one is said in the room. What comes back is channel JSON (docs/handlers.md); the
// data of each message is NAME, seconds since 1970, and the text, again on lines of their own.
// pages/chat.html is the client.
#include <chrono>

#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;
using namespace std::chrono;

static std::string take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return std::string(line);
}

static bool is_fine(std::string_view name) { return !name.empty() && name.size() <= 80; }

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  const auto hello = co_await msgutil::receive_message(request);
  if (!hello) co_return;
  std::string_view lines = hello->payload();
  const std::string room = take_line(lines);
  const std::string name = take_line(lines);
  if (!hello->is_text() || !is_fine(room) || !is_fine(name) || !Channel::may_be_named(room)) {
    co_await msgutil::close_connection(request, close_code::policy_violation,
                                       "room and name, please");
    co_return;
  }

  // The newest 200 messages of a day are kept. Who comes back gets what came since; who is new,
  // or was away for too long, the newest 50.
  const Channel channel = Channel::named("chat/" + room, {.history = 200, .history_time = days(1)});
  JoinOptions options;
  options.resume = Position::parse(take_line(lines));
  options.history = 50;
  options.presence = name;
  options.json = options.events = true;
  auto chat = channel.join(request, options);

  while (auto said = co_await msgutil::receive_message(request)) {
    const auto now = duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
    if (said->is_text()) chat.publish(name + "\n" + std::to_string(now) + "\n" + said->payload());
  }
}
