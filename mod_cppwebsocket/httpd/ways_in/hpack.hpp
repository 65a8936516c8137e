// HPACK by nghttp2, in the very library that mod_http2 is linked with; this module is not.
// Thread: find_nghttp2: start-up, before there are others; a decoder: owner.
#pragma once

#include "protocol/opening/http2_keys.hpp"

#include <httpd.h>

#include <memory>

namespace cppwebsocket::httpd {

// A hook of child_init.
void find_nghttp2(apr_pool_t*, server_rec*) noexcept;

// False without mod_http2, and where no virtual host has WebSocketHTTP2: which of them a connection
// is for is known only later.
bool has_nghttp2() noexcept;

// Raises std::bad_alloc.
std::unique_ptr<protocol::HeaderDecoder> make_header_decoder();

}  // namespace cppwebsocket::httpd
