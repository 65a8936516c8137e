// Moves a request's text out of httpd's pools.
#pragma once

#include <cppwebsocket/detail/request_record.hpp>

namespace cppwebsocket::runtime {

// Copies the handshake's texts into one block that the record owns, to be read from there once the
// handshake is reset. Thread: any, while nobody else uses the record.
void own_text(detail::RequestRecord& record);

}  // namespace cppwebsocket::runtime
