// Feeding a draft's bytes to its Protocol, and what comes out, as short texts.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/frames/protocol.hpp"

namespace cppwebsocket::protocol::testing {

// The events that `bytes` cause when they arrive `piece` at a time: "text …", "close",
// "failure CODE", and of a text that continues "part of text …".
inline std::vector<std::string> feed(Protocol& draft, std::string bytes,
                                     std::size_t piece = std::string::npos) {
  std::vector<std::string> events;
  std::span<char> rest(bytes);
  while (!rest.empty()) {
    const std::size_t count = std::min(piece, rest.size());
    std::span<char> input = rest.first(count);
    rest = rest.subspan(count);
    while (!input.empty()) {
      switch (draft.receive(input)) {
        case Event::none:
          break;
        case Event::message:
        case Event::fragment: {
          const Message message = draft.take_message();
          const std::string part = detail::MessageAccess::continues(message) ? "part of " : "";
          events.push_back(part + (message.is_text() ? "text " : "binary ") + message.payload());
          break;
        }
        case Event::close:
          events.push_back("close");
          break;
        case Event::failure:
          events.push_back("failure " + std::to_string(draft.failure().code));
          break;
        case Event::ping:
        case Event::pong:
          events.push_back("a control frame that no draft has");
          break;
      }
    }
  }
  return events;
}

// The bytes that `send` puts into an Output.
template <typename Send>
std::string sent(Send&& send) {
  Output out;
  send(out);
  std::string bytes;
  std::string_view pieces[16];
  const std::size_t count = out.pieces(pieces, 16);
  for (std::size_t i = 0; i < count; ++i) bytes += pieces[i];
  return bytes;
}

}  // namespace cppwebsocket::protocol::testing
