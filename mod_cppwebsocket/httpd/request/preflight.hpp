// What a browser asks before a page of another origin may send what a form could not: another type
// of body, Authorization, Last-Event-ID (Fetch, §3.2.2 and §4.8). It asks without cookies and
// passwords. Thread: the request's MPM worker.
#pragma once

#include "httpd/configuration/config.hpp"
#include "httpd/request/capture.hpp"

#include <httpd.h>

#include <span>

namespace cppwebsocket::httpd {

// Answers an OPTIONS request, about an address that takes `methods`: a list as Allow has it. Without
// what makes it a preflight it is httpd's to answer. Returns what the content handler must return.
int answer_options(request_rec* r, std::span<Header> headers, const OriginPolicy& policy,
                   const char* methods);

}  // namespace cppwebsocket::httpd
