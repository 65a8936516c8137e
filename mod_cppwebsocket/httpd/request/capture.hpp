// What httpd knows of a request, in our terms. Everything points into the request's pool.
// Thread: the request's MPM worker.
#pragma once

#include "protocol/opening/handshake.hpp"

#include <httpd.h>

#include <memory>

namespace cppwebsocket::httpd {

// Header fields as httpd has joined them.
std::span<Header> headers_of(request_rec* r);

protocol::OpeningRequest opening_request_of(request_rec* r, std::span<const Header> headers);

// The record of a request for `resource` that was found to be a valid opening handshake. The
// settings' limits and the handler's name are still missing.
std::unique_ptr<detail::RequestRecord> capture(request_rec* r, std::string_view resource,
                                               const protocol::Opening& opening,
                                               std::span<Header> headers);

}  // namespace cppwebsocket::httpd
