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
//
// A block that has an id has data, too: Firefox takes no id over from one without. A comment and a
// "retry:" are lines by themselves, no blocks: fetch-event-source takes each empty line for an
// event.
//
// A stream never ends in order, because it is there to be gone on with, and a client that reads it
// by fetch may take the orderly end of a body for the last word. Over HTTP/1.1 it is chunked and
// has no last chunk, which makes it incomplete (RFC 9112 §8); an HTTP/2 stream is to be reset.
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

// How the stream lies in the response: as it is (HTTP/2, HTTP/1.0), or in chunks (HTTP/1.1).
enum class Framing : std::uint8_t { bare, chunked };

// A part of the stream, not empty, as it goes out. RFC 9112 §7.1.
std::string framed(Framing framing, std::string&& part);

// Messages are what makes an event, or if it is for `encoded` ones, what encode_event has made.
// Pings are comments, and nobody answers them. The end is the end of the connection.
enum class EventForm : std::uint8_t { plain, encoded };
std::unique_ptr<Protocol> make_event_stream(EventForm form = EventForm::plain,
                                            Framing framing = Framing::bare);

}  // namespace cppwebsocket::protocol
