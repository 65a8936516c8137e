// TLS connections that mod_ssl has accepted: what it takes to go on with their SSL objects when
// httpd is done with them.
#pragma once

#include "runtime/transport/tls.hpp"

#include <httpd.h>

#include <memory>
#include <string_view>

namespace cppwebsocket::httpd {

class TlsConnection;

// The client's TLS on this connection, if it can be taken over; or null. Thread: the connection's.
TlsConnection* tls_of(const conn_rec* c) noexcept;

// The names of mod_ssl's filters on a connection.
bool is_tls_filter(std::string_view name) noexcept;

// From here on whoever reads the connection gets what httpd has read from the network already and
// then "try again". Without that, mod_ssl would take the dummy in the socket's place for an error,
// and the bytes that it holds would be lost.
void end_network_input(conn_rec* c);

// A transport on the client's socket. Its start() is called by `then` below.
std::unique_ptr<runtime::TlsTransport> make_tls_transport(TlsConnection& tls,
                                                          runtime::Descriptor&& descriptor);

// Calls `then` when the connection's pool goes and mod_ssl has let go of the SSL object: mod_ssl's
// own cleanup uses it with the conn_rec. `object` must live as long as the pool.
void after_mod_ssl(TlsConnection& tls, void (*then)(void* object) noexcept, void* object) noexcept;

// Hooks. register_tls: to be called where hooks are registered.
void register_tls() noexcept;
void find_openssl(apr_pool_t* pool, server_rec* main_server) noexcept;  // child_init

}  // namespace cppwebsocket::httpd
