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

using AddedHeaders = std::span<const std::pair<std::string, std::string>>;

// Before the answer, gives the output filters of other modules their turn: mod_headers,
// mod_session, mod_security and the like see a response with `status`, the answer's fields and the
// handler's own (`added`), and no body. Returns OK, or the status with which one of them refuses
// it, for the content handler to return.
int show_to_filters(request_rec* r, int status, const protocol::OpeningResponse& response,
                    AddedHeaders added);

// Sends the accepting answer, the handler's own headers behind its, and those that other modules
// want in any response. False if the client is gone. Nothing may be sent by httpd afterwards.
bool send_opening(request_rec* r, const protocol::OpeningResponse& response, AddedHeaders added);

// Answers `status` with `text` as body, or with the ErrorDocument if one is configured, and
// has httpd end the connection. Returns what the content handler must return.
int refuse(request_rec* r, int status, std::string_view text, AddedHeaders headers = {});

// Whether an event stream's client comes back after any end, as an EventSource does, whose WebKitGTK
// kind does not even notice that its stream is reset. A page's script that reads the stream by fetch
// may take an orderly end for the last. WHATWG HTML, "The EventSource interface", and Fetch,
// "HTTP-network-or-cache fetch": that it wants nothing stored is said by Cache-Control.
bool comes_back_after_any_end(const request_rec* r) noexcept;

// Has httpd end the connection without a byte. Returns what the content handler must return.
int drop(request_rec* r) noexcept;

// Sends an answer that is whole in itself and has the connection, or the HTTP/2 stream, end.
// Returns what the content handler must return.
int send_and_end(request_rec* r, const protocol::OpeningResponse& response);

// Writes httpd's access log now, and not again at the request's end, which may be weeks away: a line of an opening
// handshake is the handshake's, whatever way the connection goes on.
void log_opening(request_rec* r);

// To be called where hooks are registered.
void register_answer() noexcept;

// Leaves httpd nothing to send: no response, no error page, no end of a body.
void finish_response(request_rec* r) noexcept;

}  // namespace cppwebsocket::httpd
