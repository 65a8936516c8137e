// `SetHandler websocket-subscribe`: a WebSocket, or an event stream, that is sent what is published
// in some channels.
// Thread: the request's MPM worker.
#pragma once

#include <cppwebsocket/header_list.hpp>

#include <httpd.h>

#include <span>
#include <string_view>

namespace cppwebsocket::httpd {

class Child;

// Returns what the content handler must return.
int subscribe(request_rec* r, Child& child, std::span<Header> headers, std::string_view path);

}  // namespace cppwebsocket::httpd
