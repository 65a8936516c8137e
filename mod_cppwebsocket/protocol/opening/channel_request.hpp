// What requests from outside say about channels: parameters of a query, resume tokens, the kind of
// a body. Nothing in them is trusted. Thread: any.
#pragma once

#include <cppwebsocket/position.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cppwebsocket::protocol {

// The first value of `name` in a query such as "after=5f-3&limit=10", its %XX and '+' decoded; none
// if the query does not name it. What is no escape stays as it is.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

// All of them, in their order.
std::vector<std::string> query_values(std::string_view query, std::string_view name);

// A number of decimal digits only, at most `most`.
std::optional<std::uint32_t> parse_count(std::string_view text, std::uint32_t most) noexcept;

// Where a client stands in each of its channels, in their order; none: nothing is known of this
// one.
using Positions = std::vector<std::optional<Position>>;

// "5f-3,,80-1": one element for each channel.
std::string to_token(const Positions& positions);

// The same read, for so many channels; none if it is no token for them.
std::optional<Positions> parse_token(std::string_view token, std::size_t channels);

// What a published body is, by its Content-Type (empty: no such field).
enum class BodyKind : std::uint8_t {
  text,  // to be checked for UTF-8
  binary,
  unsupported,  // a form with parts, or a text in another character set
};
BodyKind body_kind(std::string_view content_type) noexcept;

// The first `most` lines of `text`, without their ends (LF, or CR and LF), and without the empty ones. They refer to it.
std::vector<std::string_view> lines_of(std::string_view text, std::size_t most);

// Whether an Accept field names text/event-stream; "*/*" does not.
bool accepts_event_stream(std::string_view accept) noexcept;

}  // namespace cppwebsocket::protocol
