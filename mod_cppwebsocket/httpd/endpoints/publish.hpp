// `SetHandler websocket-publish`: a channel for those who speak HTTP. POST publishes the body; GET
// tells what there is; DELETE deletes the history, unless this is another end point's address. The answers are JSON.
// Thread: the request's MPM worker.
#pragma once

#include <cppwebsocket/header_list.hpp>

#include <httpd.h>

#include <span>
#include <string_view>

namespace cppwebsocket::httpd {

// Returns what the content handler must return.
int publish(request_rec* r, std::span<Header> headers, std::string_view path);

}  // namespace cppwebsocket::httpd
