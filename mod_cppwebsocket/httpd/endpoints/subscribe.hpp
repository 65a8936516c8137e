// `SetHandler websocket-subscribe`: a WebSocket, or an event stream, that is sent what is published
// in some channels.
// Thread: the request's MPM worker.
#pragma once

#include <cppwebsocket/header_list.hpp>

#include <httpd.h>

#include <optional>
#include <span>
#include <string_view>

namespace cppwebsocket::channels {
struct Subscription;
}

namespace cppwebsocket::httpd {

class Child;

// Returns what the content handler must return.
int subscribe(request_rec* r, Child& child, std::span<Header> headers, std::string_view path);

// What the request says of how the channels that are there already are to begin. The refusal, which is being
// answered, if it is wrong: what the content handler must return.
std::optional<int> read_subscription(request_rec* r, std::span<Header> headers,
                                     channels::Subscription& subscription);

// Of that where the client wants to go on, which depends on how many channels there are.
void read_resume(const request_rec* r, std::span<Header> headers, channels::Subscription& subscription);

}  // namespace cppwebsocket::httpd
