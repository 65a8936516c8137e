// `SetHandler websocket-channels`: at the <Location>'s own path a WebSocket for many channels, below it each channel's
// address, where GET subscribes or looks and POST publishes, as at the other two end points. What a connection may do
// in a channel is what httpd says of a GET, or a POST, of that address. Thread: the request's MPM worker.
#pragma once

#include <cppwebsocket/header_list.hpp>

#include <httpd.h>

#include <span>
#include <string_view>

namespace cppwebsocket::httpd {

class Child;

// Returns what the content handler must return.
int serve_channels(request_rec* r, Child& child, std::span<Header> headers, std::string_view path);

}  // namespace cppwebsocket::httpd
