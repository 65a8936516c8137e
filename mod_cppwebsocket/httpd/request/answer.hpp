// Writing the answer to an opening handshake: the 101, the head of an event stream, or a refusal.
// Thread: the request's MPM worker.
#pragma once

#include "protocol/opening/handshake.hpp"

#include <httpd.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace cppwebsocket::httpd {

using HeaderList = std::span<const std::pair<std::string, std::string>>;

// Sends the accepting answer, the handler's own headers behind its, and those that other modules
// want in any response. False if the client is gone. Nothing may be sent by httpd afterwards.
bool send_opening(request_rec* r, const protocol::OpeningResponse& response, HeaderList added);

// Answers `status` with `text` as body, or with the ErrorDocument if one is configured, and
// has httpd end the connection. Returns what the content handler must return.
int refuse(request_rec* r, int status, std::string_view text, HeaderList headers = {});

// Has httpd end the connection without a byte. Returns what the content handler must return.
int drop(request_rec* r) noexcept;

// Leaves httpd nothing to send: no response, no error page, no end of a body.
void finish_response(request_rec* r) noexcept;

}  // namespace cppwebsocket::httpd
