// The end points that need no handler file, `SetHandler websocket-publish`, `websocket-subscribe`,
// `websocket-channels`, `websocket-client`, `websocket-metrics`, `websocket-admin` and `websocket-dashboard`: which of them a request
// is for, and which channels it is about.
// Thread: the request's MPM worker.
#pragma once

#include <cppwebsocket/publication.hpp>

#include <httpd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cppwebsocket::httpd {

enum class EndPoint : std::uint8_t { none, publish, subscribe, channels, client, metrics, admin, dashboard };

// By SetHandler, whatever a rule of a directory has made of it; also while r's phases still run.
EndPoint end_point_of(request_rec* r);

// Of one that there is: as SetHandler names it.
const char* name_of(EndPoint end_point) noexcept;

// The path of the last <Location> around the request that has its SetHandler: httpd merges them in
// their order, so it is this one's that holds. None: its SetHandler is elsewhere.
std::optional<std::string_view> location_of(request_rec* r, std::string_view path);
// Has the log say so.
void tell_of_no_location(request_rec* r);
// What follows that path; empty where it is the location's own, and names none. One name only, whatever is in it: so
// a <Location> guards the channels below it.
std::string_view channel_by_path(request_rec* r, std::string_view path);

// By WebSocketChannel; without it, what follows the path of the <Location> that has the SetHandler.
// One at least, but of websocket-subscribe with WebSocketHook connect, and of websocket-channels, where WebSocketChannel gives the server's own at the location's path, and
// the path gives the name below it; or the refusal, which is in the log if more is to be said than that there is none,
// and is being answered: what the content handler must return.
std::variant<std::vector<std::string>, int> channels_of(request_rec* r, std::string_view path);

// By WebSocketChannelHistory and WebSocketChannelPublisher.
ChannelOptions channel_options_of(const request_rec* r) noexcept;

}  // namespace cppwebsocket::httpd
