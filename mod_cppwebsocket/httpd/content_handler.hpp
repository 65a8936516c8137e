// The content handler: decides whether a request is ours, and who answers it.
#pragma once

#include <httpd.h>

namespace cppwebsocket::httpd {

// Hooks. Thread: the request's MPM worker.
int answer_request(request_rec* r) noexcept;
// Of what nobody else answers, and httpd would not find: where a handler is, the request has come
// without what makes a WebSocket of it.
int answer_plain_request(request_rec* r) noexcept;

}  // namespace cppwebsocket::httpd
