// What there is to say of a connection that has ended, by name.
#pragma once

#include "httpd/connection_log/format.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace cppwebsocket::httpd {

struct Property {
  std::string text;  // empty: there is none
  bool is_number = false;
};

// `name`: one of LogFormat::names(). Thread: the connection's, in a turn. Raises std::bad_alloc.
Property property_of(std::string_view name, const EndedConnection& ended);

std::chrono::nanoseconds duration_of(const EndedConnection& ended);  // that it was open
std::chrono::system_clock::time_point begin_of(const EndedConnection& ended);

}  // namespace cppwebsocket::httpd
