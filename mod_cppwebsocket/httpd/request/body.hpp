// A request's body. Thread: the request's MPM worker.
#pragma once

#include <httpd.h>

#include <cstddef>
#include <string>

namespace cppwebsocket::httpd {

// Appends it to `body`, if it has at most so many bytes. The status to answer with, or OK.
int read_body(request_rec* r, std::size_t most, std::string& body);

}  // namespace cppwebsocket::httpd
