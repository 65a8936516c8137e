// ws://host/gallery/login: pages cannot send headers of their own with a WebSocket, so this client's first
// message is a token, within five seconds. The file that SetEnv LOGIN_TOKENS names has lines "TOKEN USER"; it is
// read for each login, so a token can be taken back. Whoever has none is closed with 4001; the others are
// greeted, and may then talk. Tokens are secrets: use this with wss. The default WebSocketOrigin keeps other
// sites' pages out, which a cookie alone would let in.
#include <chrono>
#include <fstream>
#include <optional>
#include <string>

#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

// How long it takes tells nothing about where two texts differ.
static bool are_equal(std::string_view a, std::string_view b) {
  unsigned char different = a.size() != b.size();
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    different |= static_cast<unsigned char>(a[i] ^ b[i]);
  return !different;
}

// Blocks.
static std::optional<std::string> user_of(const std::string& file, std::string_view given) {
  std::ifstream lines(file);
  std::optional<std::string> found;
  for (std::string token, user; lines >> token >> user;)
    if (are_equal(token, given)) found = user;
  return found;
}

static Task<std::optional<std::string>> log_in(Request& request) {
  const std::string file(*request.env("LOGIN_TOKENS"));
  try {
    auto token = co_await msgutil::receive_message(request, std::chrono::seconds(5));
    if (!token) co_return std::nullopt;
    auto look = [&] { return user_of(file, token->text()); };
    co_return co_await request.run_blocking(look);
  } catch (const TimeoutException&) {
    co_return std::nullopt;
  }
}

void web_socket_do_extra_handshake(Request& request) {
  if (!request.env("LOGIN_TOKENS")) throw HandshakeException(503, "SetEnv LOGIN_TOKENS is missing");
  request.limit_message_size(4 << 10);
}

Task<> web_socket_transfer_data(Request& request) {
  const auto user = co_await log_in(request);
  if (!user) {
    co_await msgutil::close_connection(request, 4001, "a token, please");
    co_return;
  }
  const std::string greeting = "hello " + *user;
  co_await msgutil::send_message(request, greeting);
  while (auto message = co_await msgutil::receive_message(request)) {
    std::string said = *user + ": " + message->payload();
    co_await msgutil::send_message(request, std::move(said));
  }
}
