// Moves a request's text out of httpd's pools.
#pragma once

#include <cppwebsocket/detail/request_record.hpp>

namespace cppwebsocket::runtime {

// Copies everything that the record's views point to into one block that the record owns, and
// points the views there. Thread: any, while nobody else uses the record.
void own_text(detail::RequestRecord& record);

}  // namespace cppwebsocket::runtime
