// From a URL to its engine. Redis is in this module if it was built with hiredis. Others are objects
// beside the module, which is not linked with their libraries: cppwebsocket_nats.so.
#pragma once

#include <memory>
#include <string>

#include "channels/backplane/backplane.hpp"
#include "channels/backplane/url.hpp"

namespace cppwebsocket::runtime {
class Reactor;
}

namespace cppwebsocket::channels {

// Why there is no engine for `url`, for people; empty if there is.
std::string why_no_engine(const BackplaneUrl& url);

// An engine that is not started. It may live on `reactor`'s thread. Raises runtime_error with what
// is wrong.
std::unique_ptr<Backplane> make_backplane(const BackplaneUrl& url, BackplaneOptions options,
                                          runtime::Reactor& reactor);

// What an engine's object exports, under this name. A null pointer: `problem` says why.
using MakeBackplane = Backplane*(const BackplaneUrl& url, const BackplaneOptions& options,
                                 std::string& problem);
inline constexpr const char* make_backplane_symbol = "cppwebsocket_make_backplane";

}  // namespace cppwebsocket::channels
