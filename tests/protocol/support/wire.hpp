// Writes what a client sends, and writes down what a Protocol makes of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/frames/frame.hpp"
#include "protocol/frames/mask.hpp"
#include "protocol/frames/protocol.hpp"

namespace cppwebsocket::protocol::test {

using namespace std::string_literals;

inline constexpr MaskingKey some_key{0x37, 0xfa, 0x21, 0x3d};  // of RFC 6455 §5.7

inline std::string big_endian(std::uint64_t value, int bytes) {
  std::string result;
  for (int i = bytes - 1; i >= 0; --i) result.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  return result;
}

// A masked frame by its first byte (FIN, RSV, opcode), its length in the shortest form.
inline std::string client_frame(unsigned first, std::string payload, MaskingKey key = some_key) {
  std::string frame(1, static_cast<char>(first));
  const std::size_t size = payload.size();
  if (size < 126)
    frame += static_cast<char>(0x80 | size);
  else if (size < 0x10000)
    frame += static_cast<char>(0x80 | 126) + big_endian(size, 2);
  else
    frame += static_cast<char>(0x80 | 127) + big_endian(size, 8);
  plain::apply_mask(payload, key);
  return frame.append(key.begin(), key.end()) + payload;
}

inline std::string text_frame(std::string payload) { return client_frame(0x81, payload); }
inline std::string binary_frame(std::string payload) { return client_frame(0x82, payload); }

// A header alone: first byte, length byte without the mask's bit, further bytes of the length.
inline std::string client_header(unsigned first, unsigned length, std::string more = {}) {
  std::string header{static_cast<char>(first), static_cast<char>(0x80 | length)};
  return (header + more).append(some_key.begin(), some_key.end());
}

inline std::string close_frame(unsigned code, std::string reason = {}) {
  return client_frame(0x88, big_endian(code, 2) + reason);
}

// One event as text, like "text Hello", "close 1000 bye", "failure 1002". Of a message that continues:
// "part of text Hel".
inline std::string describe(Protocol& protocol, Event event) {
  switch (event) {
    case Event::none:
      return "none";
    case Event::message:
    case Event::fragment: {
      const Message message = protocol.take_message();
      const std::string part = detail::MessageAccess::continues(message) ? "part of " : "";
      return part + (message.is_text() ? "text " : "binary ") + message.payload();
    }
    case Event::ping:
      return "ping " + std::string(protocol.control_payload());
    case Event::pong:
      return "pong " + std::string(protocol.control_payload());
    case Event::close: {
      const Close& close = protocol.peer_close();
      return close.code() ? "close " + std::to_string(*close.code()) + " " + close.reason()
                          : "close";
    }
    case Event::failure:
      return "failure " + std::to_string(protocol.failure().code);
  }
  return "?";
}

// Feeds one piece, as a session does, and adds what comes of it to `events`. The piece is copied
// to memory of its own size, so that a sanitizer sees what reads beyond it. `share`: of the protocol's
// compression, which has as many turns as it takes. Returns how many those were.
inline std::size_t feed(Protocol& protocol, std::string_view piece,
                        std::vector<std::string>& events, TurnShare* share = nullptr) {
  std::vector<char> bytes(piece.begin(), piece.end());
  std::span<char> input(bytes);
  std::size_t turns = 1;
  if (share) share->begin_turn();
  while (true) {
    const Event event = protocol.receive(input);
    if (event != Event::none) {
      events.push_back(describe(protocol, event));
      continue;
    }
    if (input.empty()) return turns;
    if (!share || !share->used_up()) break;
    // The rest waits in memory of its own.
    bytes = std::vector<char>(input.begin(), input.end());
    input = bytes;
    share->begin_turn();
    ++turns;
  }
  events.push_back("bytes left over");
  return turns;
}

inline std::vector<std::string> feed(Protocol& protocol, std::string_view piece,
                                     TurnShare* share = nullptr) {
  std::vector<std::string> events;
  feed(protocol, piece, events, share);
  return events;
}

// The same events, but with messages that came in fragments as if they had come whole, where they end.
inline std::vector<std::string> joined(const std::vector<std::string>& events) {
  constexpr std::string_view part = "part of ";
  std::vector<std::string> whole;
  std::string begun;
  for (const std::string_view event : events) {
    const std::size_t type = event.find(' ') + 1;  // what a message's bytes are behind
    if (event.starts_with(part)) {
      const std::string_view more = event.substr(part.size());
      begun += begun.empty() ? more : more.substr(more.find(' ') + 1);
    } else if (!begun.empty() && (event.starts_with("text ") || event.starts_with("binary "))) {
      whole.push_back(std::exchange(begun, {}).append(event.substr(type)));
    } else {
      whole.emplace_back(event);
    }
  }
  return whole;
}

// All that is to be sent, in one string.
inline std::string sent(const Output& output) {
  std::vector<std::string_view> pieces(output.size() + 1);
  pieces.resize(output.pieces(pieces.data(), pieces.size()));
  std::string bytes;
  for (const std::string_view piece : pieces) bytes += piece;
  return bytes;
}

}  // namespace cppwebsocket::protocol::test
