// `SetHandler websocket-client`: the JavaScript client as files, by the last part of the path, so
// that pages have the one that fits this server. docs/frontend.md says what it does. Thread: the
// request's MPM worker.
#pragma once

#include <httpd.h>

#include <string_view>

namespace cppwebsocket::httpd {

// Returns what the content handler must return.
int serve_client(request_rec* r, std::string_view path);

}  // namespace cppwebsocket::httpd
