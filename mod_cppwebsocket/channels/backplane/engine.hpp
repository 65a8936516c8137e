// From a URL to its engine: an object of its own, cppwebsocket_redis.so or cppwebsocket_nats.so, which is
// loaded when it is asked for. So the module needs no engine's library, and goes on without one.
#pragma once

#include <memory>
#include <string>

#include "channels/backplane/backplane.hpp"
#include "channels/backplane/url.hpp"

namespace cppwebsocket::runtime {
class EventLoop;
}

namespace cppwebsocket::channels {

// Why there is no engine for `url`, for people; empty if there is.
std::string why_no_engine(const BackplaneUrl& url);

// An engine that is not started. It may live on `loop`'s thread. Raises runtime_error with what is
// wrong.
std::unique_ptr<Backplane> make_backplane(const BackplaneUrl& url, BackplaneOptions options,
                                          runtime::EventLoop& loop);

// Keeps the object for `url`, as it is now, for all processes that this one forks, until it is given back: packages
// replace its file while httpd runs, and the new one is not this module's. A null pointer if it cannot be loaded.
using KeptEngine = std::unique_ptr<void, void (*)(void*)>;
KeptEngine keep_engine(const BackplaneUrl& url);

// What an engine's object exports, under these names. The first is the module's version that it was built
// for, since no other can use it: a text. The second returns a null pointer where `problem` says why.
inline constexpr const char* engine_version_symbol = "cppwebsocket_engine_version";
inline constexpr const char* make_backplane_symbol = "cppwebsocket_make_backplane";
using MakeBackplane = Backplane*(const BackplaneUrl& url, const BackplaneOptions& options,
                                 runtime::EventLoop& loop, std::string& problem);

}  // namespace cppwebsocket::channels
