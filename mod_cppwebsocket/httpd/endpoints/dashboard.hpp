// The page of `SetHandler websocket-dashboard`: one file that the build puts into the module (dashboard.html), which asks
// the addresses below its own (administration.hpp). Thread: the request's MPM worker.
#pragma once

#include <httpd.h>

#include <string_view>

namespace cppwebsocket::httpd {

// Returns what the content handler must return.
int serve_dashboard(request_rec* r);

// Made by the build. "NONCE" stands where the number goes that lets the page's own script and style in.
extern const std::string_view dashboard_page;

}  // namespace cppwebsocket::httpd
