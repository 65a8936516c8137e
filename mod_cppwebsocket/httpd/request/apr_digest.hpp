// The digests of the handshake, computed by APR. The one part of httpd/ that tests link, too: it
// needs no server and no pool.
#pragma once

#include "protocol/opening/digest.hpp"

namespace cppwebsocket::httpd {

// Thread: any.
extern const protocol::Digest apr_digest;

}  // namespace cppwebsocket::httpd
