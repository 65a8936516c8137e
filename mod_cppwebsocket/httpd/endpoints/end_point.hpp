// The end points that need no handler file, `SetHandler websocket-publish` and `SetHandler
// websocket-subscribe`: which of them a request is for, and which channels it is about.
// Thread: the request's MPM worker.
#pragma once

#include <cppwebsocket/publication.hpp>

#include <httpd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cppwebsocket::httpd {

enum class EndPoint : std::uint8_t { none, publish, subscribe };
EndPoint end_point_of(const request_rec* r) noexcept;

// By WebSocketChannel; without it, what follows the path of the <Location> that has the SetHandler.
// Empty if there are none: then why it is so has been logged, if the configuration is to blame.
std::vector<std::string> channels_of(request_rec* r, std::string_view path);

// By WebSocketChannelHistory.
ChannelOptions channel_options_of(const request_rec* r) noexcept;

}  // namespace cppwebsocket::httpd
