// The command table.
#pragma once

#include <httpd.h>  // first: the other needs it

#include <http_config.h>

namespace cppwebsocket::httpd {

extern const command_rec directives[];

}  // namespace cppwebsocket::httpd
