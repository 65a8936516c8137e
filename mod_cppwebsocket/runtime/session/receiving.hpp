// The way in: from the transport's bytes over the protocol's events to whoever they are for, the
// handler's receive, its inbox, or the ending. Pull style: each event is acted on before the next.
// Thread: the session's, in a turn of it.
#pragma once

#include <span>
#include <string_view>

namespace cppwebsocket::runtime {

class Connection;

// Reads once and handles what there was.
void receive_from_wire(Connection& connection);

// Handles `input`, which it may change; what the handler has no room for, or this turn no time, is
// kept as unread.
void receive(std::span<char> input, Connection& connection);

// Whether bytes may be handled now. It does not depend on the output: who only streams out must
// still hear pings and the Close.
bool may_receive(const Connection& connection) noexcept;

}  // namespace cppwebsocket::runtime
