// Whether the client speaks TLS: as ServerName says; else as a proxy says that mod_remoteip trusts,
// where WebSocketSchemeHeader asks for its word; else as the connection is. Thread: the request's
// MPM worker.
#pragma once

#include <httpd.h>

#include <string>

namespace cppwebsocket::httpd {

bool is_https(const request_rec* r) noexcept;

// Why what the proxy says is not believed, as a sentence; empty if it is, or need not be.
std::string why_scheme_is_not_believed(const request_rec* r);

}  // namespace cppwebsocket::httpd
