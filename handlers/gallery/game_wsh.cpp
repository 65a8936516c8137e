// ws://host/gallery/game: a room in which all see all, 20 times a second, in binary. A client sends where it
// is, as often as it likes: two little-endian 16-bit numbers. All get frames: a 32-bit number that counts them,
// then 12 bytes for each player: an id (64 bits), x, y. Frames that a client is too slow for are
// dropped, the oldest first, so what it gets is never older than a moment. One of all children's reactors counts,
// the leader's; the moves reach it by a channel.
#include <chrono>
#include <cstring>
#include <map>
#include <random>

#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;
using namespace std::chrono;

struct Player {
  std::string at;  // x and y as they came
  steady_clock::time_point seen;
};

static const Channel moves = Channel::named("gallery/game/moves");
static const Channel frames = Channel::named("gallery/game/frames");
constexpr auto frame_time = 50ms;
constexpr auto gone_after = 3s;  // without a move

template <typename Number>
static std::string bytes_of(Number number) {  // the machines here are little-endian
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

// Runs beside each player's own task, and does the counting for all while it leads.
static Task<> count(Request& request) {
  std::map<std::string, Player> players;
  std::optional<Leadership> leadership;
  std::optional<Membership> hears;
  std::uint32_t number = 0;
  JoinOptions newest;
  newest.receive = true;
  newest.slow = SlowPolicy::drop_oldest;
  for (auto next = steady_clock::now();;) {
    if (!leadership && (leadership = frames.try_lead())) hears = moves.join(request, newest);
    const auto now = steady_clock::now();
    next = std::max(next + frame_time, now);  // what the thread has missed is not made up for
    const nanoseconds pause = leadership ? next - now : seconds(1);
    co_await request.sleep_for(pause);
    if (!leadership) continue;
    while (auto move = hears->try_receive())
      if (move->kind == Publication::Kind::message)
        players[move->message.payload().substr(0, 8)] = {move->message.payload().substr(8), now};
    std::erase_if(players, [&](const auto& each) { return now - each.second.seen > gone_after; });
    std::string frame = bytes_of(++number);
    for (const auto& [id, player] : players) frame += id + player.at;
    frames.publish(Message::binary(std::move(frame)));
  }
}

void web_socket_do_extra_handshake(Request& request) { request.limit_message_size(4); }

Task<> web_socket_transfer_data(Request& request) {
  std::random_device random;
  const std::string id = bytes_of(std::uint64_t{random()} << 32 | random());
  co_await msgutil::send_message(request, Message::binary(id));
  JoinOptions options;
  options.max_queued = 4 << 10;
  options.slow = SlowPolicy::drop_oldest;
  auto room = frames.join(request, options);
  request.spawn(count(request));
  while (auto move = co_await msgutil::receive_message(request)) {
    if (move->is_text() || move->size() != 4) throw UnsupportedFrameException("a move is two 16-bit numbers");
    moves.publish(Message::binary(id + move->payload()));
  }
}
