// From directives to what requests need, each time the configuration has been read.
// Thread: httpd's parent process, before any child.
#pragma once

#include <httpd.h>

namespace cppwebsocket::httpd {

// Hooks.
int pre_config(apr_pool_t* pconf, apr_pool_t* plog, apr_pool_t* ptemp) noexcept;
int check_config(apr_pool_t* pconf, apr_pool_t* plog, apr_pool_t* ptemp,
                 server_rec* main_server) noexcept;
int post_config(apr_pool_t* pconf, apr_pool_t* plog, apr_pool_t* ptemp,
                server_rec* main_server) noexcept;

}  // namespace cppwebsocket::httpd
