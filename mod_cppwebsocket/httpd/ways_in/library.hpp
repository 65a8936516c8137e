// Libraries of httpd's other modules, found at run time. Thread: start-up, before there are others,
// but for file_of: any.
#pragma once

#include <httpd.h>

#include <string_view>

#include <http_config.h>

namespace cppwebsocket::httpd {

// For dlsym: the object of this module, through which those that it is linked with are found, too;
// or if it is linked into httpd, wherever httpd's own symbols come from.
void* library_of(const module* other) noexcept;

// As this module pins itself: late threads must not find `function` unmapped at the end of the
// process.
void pin_library(const void* function) noexcept;

// The file name of the library that has a function: "mod_qos.so".
std::string_view file_of(const void* function) noexcept;

}  // namespace cppwebsocket::httpd
