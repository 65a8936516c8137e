// What a client of the subprotocol channels.json asks for: one JSON object in a text message
// (docs/channels-protocol.md). Nothing in it is trusted. Thread: any.
#pragma once

#include <cppwebsocket/message.hpp>
#include <cppwebsocket/position.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "channels/store/remarks.hpp"

namespace cppwebsocket::channels {

struct Command {
  enum class Kind : std::uint8_t { subscribe, unsubscribe, publish, presence, history, message };

  Kind kind = Kind::subscribe;
  std::uint64_t id = 0;
  std::string channel;                   // may be no name of one
  std::optional<Position> after;         // subscribe, history
  bool is_lost = false;                  // subscribe: where it was cannot be read
  std::uint32_t count = 0;               // subscribe: to begin with; history: at most; messages
  std::optional<std::string> presence;   // subscribe: visible, with this
  bool events = false;                   // subscribe: told of who comes and goes
  Message message;                       // publish, message
  Remarks remarks;                       // publish; but the user
};

// Why it is no command.
struct Mistake {
  std::optional<std::uint64_t> id;  // where that could be read
  const char* text;
};

inline constexpr std::uint32_t most_history = 10'000;         // messages to begin with
inline constexpr std::uint32_t most_history_answered = 1'000;  // in one answer
inline constexpr std::uint32_t usual_history_answered = 100;

// Raises std::bad_alloc.
std::variant<Command, Mistake> parse_command(std::string_view text);

}  // namespace cppwebsocket::channels
