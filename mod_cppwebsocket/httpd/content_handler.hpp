// The content handler: decides whether a request is ours, and who answers it.
#pragma once

#include <httpd.h>

namespace cppwebsocket::httpd {

// Hooks. Thread: the request's MPM worker.
int note_path(request_rec* r) noexcept;
int answer_request(request_rec* r) noexcept;

}  // namespace cppwebsocket::httpd
