// Server-Sent Events (WHATWG HTML, "Server-sent events"): a response without an end, in which
// messages are lines of text. One way only: what the client sends means nothing, and the end of
// what it sends is the end of the connection.
//
//   id: 5f3a-42        where the client stands: it comes back as Last-Event-ID
//   event: binary      the event's name; without, it is "message"
//   data: first line
//   data: second line
//                      the empty line ends the event
//   : a comment        keeps the way open
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <cppwebsocket/message.hpp>

#include "protocol/frames/protocol.hpp"

namespace cppwebsocket::protocol {

// The name under which binary messages go, in Base64.
inline constexpr std::string_view binary_event = "binary";

// One event. `id` and `event`: without line breaks and NUL; empty for none. Line breaks of the text
// (LF, CR, CR LF) all arrive as LF.
std::string encode_event(std::string_view id, std::string_view event, std::string_view text);

// The event that carries `message`: named "message" by default, or binary_event.
std::string encode_event(std::string_view id, const Message& message);

// The first thing in a stream: how long a client waits before it comes back.
std::string encode_retry(std::chrono::milliseconds time);

// Messages are what makes an event, or if it is for `encoded` ones, what encode_event has made.
// Pings are comments, and nobody answers them. The end is the end of the stream.
enum class EventForm : std::uint8_t { plain, encoded };
std::unique_ptr<Protocol> make_event_stream(EventForm form = EventForm::plain);

}  // namespace cppwebsocket::protocol
