// Files that directives name. Relative paths are of ServerRoot. Thread: startup, as root.
#pragma once

#include "httpd/module.hpp"

#include <string>

namespace cppwebsocket::httpd {

// Raises runtime_error: "cannot read PATH: ", and what errno says.
[[noreturn]] void fail_to_read(const std::string& path);

// The PEM file that `argument` names. Raises runtime_error.
std::string read_pem(cmd_parms* command, const char* argument);

}  // namespace cppwebsocket::httpd
