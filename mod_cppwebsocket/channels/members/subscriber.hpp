// The handler behind `SetHandler websocket-subscribe`: makes a connection a member of some
// channels, and nothing else. It uses what every handler has.
//
//   WebSocket                          messages as they were published
//   WebSocket, subprotocol channel.json  each in JSON, with its position
//   event stream                       each an event, whose id says where the client stands
#pragma once

#include <cppwebsocket/handler_table.hpp>
#include <cppwebsocket/publication.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "channels/hooks/receiver.hpp"
#include "protocol/opening/channel_request.hpp"

namespace cppwebsocket::channels {

// What a connection asks for. The server puts it into the request's user_data before the handshake.
struct Subscription {
  std::vector<std::string> channels;  // one at least
  ChannelOptions options;
  protocol::Positions resume;  // one for each channel, or empty
  bool lost = false;           // the client came back, but from nowhere that is known
  std::uint32_t history = 0;   // to begin with the newest so many, where there is nothing to resume
  std::string tag;             // as JoinOptions::tag
  bool json = false;           // of an event stream: wrap each message, as channel.json does
  std::shared_ptr<Receiver> receiver;  // of what the client sends; null: it may not
  std::chrono::seconds heartbeat{};  // in JSON: tell so often that the connection is alive; 0: never
};

// Tells so often that the connection is alive: a page sees neither pings nor comments, so its script cannot tell a
// silent channel from a dead link. The first tells that others will follow.
Task<> beat(Request& request, std::chrono::seconds interval);

inline constexpr std::string_view json_protocol = "channel.json";

const HandlerTable& subscriber_table() noexcept;

}  // namespace cppwebsocket::channels
