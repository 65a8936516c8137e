// ws://host/bench takes the two commands of pywebsocket's benchmark, uncompressed:
//   "receive N"  the client receives one binary message of N bytes 'a'
//   "send"       the client sends one more message; the answer is its size in bytes as a text
// In the console: send "receive 1000"; then "send", and any file.
#include <charconv>

#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request& request) { request.disable_ws_extensions(); }

static std::size_t size_in(std::string_view digits, std::size_t limit) {
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  if (error != std::errc() || end != digits.data() + digits.size() || size > limit)
    throw UnsupportedFrameException("not a size up to WebSocketMaxMessageSize");
  return size;
}

Task<> web_socket_transfer_data(Request& request) {
  while (auto command = co_await msgutil::receive_message(request)) {
    const std::string_view text = command->text();
    if (text.starts_with("receive ")) {
      const std::size_t size = size_in(text.substr(8), request.limits().max_message_size);
      co_await msgutil::send_message(request, Message::binary(std::string(size, 'a')));
    } else if (text == "send") {
      const auto payload = co_await msgutil::receive_message(request);
      if (!payload) co_return;
      co_await msgutil::send_message(request, std::to_string(payload->size()));
    } else {
      throw UnsupportedFrameException("expected \"receive N\" or \"send\"");
    }
  }
}
