// Thread: the request's MPM worker.
#pragma once

#include <httpd.h>

#include <string_view>

namespace cppwebsocket::httpd {

// Whether an administrator has said who may come to this address: a <Location> or <LocationMatch> around `path` has a
// Require. That of a directory does not count, for every page below DocumentRoot has one ("all granted").
bool has_require(request_rec* r, std::string_view path);

}  // namespace cppwebsocket::httpd
