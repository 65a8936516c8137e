// The directory in which this child has its private copies of handler files. From
// WebSocketHandlerCopies.
#pragma once

#include <apr_pools.h>
#include <httpd.h>

namespace cppwebsocket::httpd {

inline constexpr const char* default_handler_copies = "/var/cache/cppwebsocket";

// A hook, run in a child before it gives its rights up: what others of its user are to be kept from
// has to be made by root.
int make_handler_copies(apr_pool_t* pool, server_rec* main_server) noexcept;

// Says, for the first child of a generation, why copies are in memory.
void tell_of_handler_copies(server_rec* main_server);

}  // namespace cppwebsocket::httpd
