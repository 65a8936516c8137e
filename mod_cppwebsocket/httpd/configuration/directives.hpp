// The command table.
#pragma once

#include <httpd.h>  // first: the other needs it

#include <http_config.h>

namespace cppwebsocket::httpd {

// For the module record. Lives as long as the module is loaded.
const command_rec* directives();

}  // namespace cppwebsocket::httpd
