// What the kernel has counted of a TCP connection.
#pragma once

#include <optional>

#include "runtime/transport/transport.hpp"

namespace cppwebsocket::runtime {

// None for what is no TCP socket. Bytes that were sent again count once. Thread: any.
std::optional<Carried> carried_by_tcp(int descriptor) noexcept;

}  // namespace cppwebsocket::runtime
