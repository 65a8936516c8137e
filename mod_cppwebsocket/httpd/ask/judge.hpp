// What a connection's right to be there, and to other addresses, is judged by once it is open: WebSocketAuthCheck and
// a handler's is_allowed().
#pragma once

#include <httpd.h>

namespace cppwebsocket::runtime {
class Runtime;
class Session;
}  // namespace cppwebsocket::runtime

namespace cppwebsocket::httpd {

// Gives the session of an accepted request a judge, if one is needed: it costs memory. Raises bad_alloc. Thread: the
// request's MPM worker.
void appoint_judge(request_rec* r, runtime::Runtime& runtime, runtime::Session& session);

}  // namespace cppwebsocket::httpd
