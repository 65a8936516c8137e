// The handler behind `SetHandler websocket-channels`: many channels on one WebSocket, with the subprotocol
// channels.json (docs/channels-protocol.md). Commands are taken one after the other, so that a client that asks more than
// can be answered is held up itself.
#pragma once

#include <cppwebsocket/handler_table.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "channels/conversation/gatekeeper.hpp"
#include "channels/members/subscriber.hpp"

namespace cppwebsocket::channels {

class Hub;

inline constexpr std::string_view conversation_protocol = "channels.json";

// What a conversation begins with. The server puts it into the request's user_data before the handshake.
struct Conversation {
  Hub* hub = nullptr;
  std::shared_ptr<Gatekeeper> gatekeeper;
  Subscription own;                // the channels that the server names: none or some
  std::size_t most_channels = 0;   // with those
  std::optional<std::string> data;  // an application's, for the welcome
};

const HandlerTable& conversation_table() noexcept;

}  // namespace cppwebsocket::channels
