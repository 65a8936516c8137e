// From a URL to its engine: an object of its own, cppwebsocket_redis.so or cppwebsocket_nats.so.
#pragma once

#include <memory>
#include <string>

#include "channels/backplane/backplane.hpp"
#include "channels/backplane/url.hpp"
#include "channels/object_file.hpp"

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

// keep_object() of the one for `url`.
KeptObject keep_engine(const BackplaneUrl& url);

// What an engine's object exports beside its version. Returns a null pointer where `problem` says why.
inline constexpr const char* make_backplane_symbol = "cppwebsocket_make_backplane";
using MakeBackplane = Backplane*(const BackplaneUrl& url, const BackplaneOptions& options,
                                 runtime::EventLoop& loop, std::string& problem);

}  // namespace cppwebsocket::channels
