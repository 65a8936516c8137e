// From the request head to an open session: every check, the handler's word, the answer, and the way
// to its reactor.
// Thread: the request's MPM worker.
#pragma once

#include "runtime/handler.hpp"

#include <cppwebsocket/header_list.hpp>

#include <httpd.h>

#include <memory>
#include <span>
#include <string_view>

namespace cppwebsocket::httpd {

class Child;

// `resource`: the path that selected the handler. Returns what the content handler must return.
int open_connection(request_rec* r, Child& child, std::shared_ptr<const runtime::Handler> handler,
                    std::string_view resource, std::span<Header> headers);

}  // namespace cppwebsocket::httpd
