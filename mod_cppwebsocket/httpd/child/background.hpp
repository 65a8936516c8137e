// What handlers do without a connection, in this child.
#pragma once

#include "runtime/handlers/library.hpp"

#include <httpd.h>

#include <string>

namespace cppwebsocket::httpd {

class Child;

// Of all virtual hosts' handlers. Raises system_error. Thread: the child's main one, in child_init.
void run_background(Child& child, server_rec* main_server);

// A line for the log about a file that is not used, or whose new version is not.
std::string text_of_problem(const runtime::Lookup& found);

}  // namespace cppwebsocket::httpd
