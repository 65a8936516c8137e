// What an event stream has instead of an opening handshake.
#pragma once

#include "httpd/configuration/config.hpp"
#include "protocol/frames/event_stream.hpp"
#include "protocol/opening/handshake.hpp"

#include <httpd.h>

#include <chrono>

namespace cppwebsocket::httpd {

protocol::Opening event_stream_opening(const protocol::OpeningRequest& request);

protocol::Framing framing_of(const request_rec* r) noexcept;

// Its head, and when to come back after its end.
protocol::OpeningResponse event_stream_response(const request_rec* r, const OriginPolicy& policy,
                                                const protocol::Opening& opening,
                                                std::chrono::milliseconds retry);

}  // namespace cppwebsocket::httpd
