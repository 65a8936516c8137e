// What a session does when nothing happens: pings, and ends by the clock (ConnectionLimits).
// Thread: the session's.
#pragma once

#include <chrono>

#include <cppwebsocket/detail/operations.hpp>

namespace cppwebsocket::runtime {

class Connection;

// When to look at it next; the end of time: never. Traffic may put it off, and costs nothing then:
// whoever comes too early is told a later time.
detail::TimePoint next_look(const Connection& connection) noexcept;

// The same moment by the clock that sessions have; what is over is now, and in a hundred years never.
detail::TimePoint steady_time(std::chrono::system_clock::time_point when) noexcept;

// Does what is due, in a turn of the connection.
void look_after(Connection& connection);

}  // namespace cppwebsocket::runtime
