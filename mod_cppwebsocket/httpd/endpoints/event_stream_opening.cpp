#include "httpd/endpoints/event_stream_opening.hpp"

#include "httpd/module.hpp"
#include "httpd/request/cross_origin.hpp"
#include "protocol/opening/header_fields.hpp"

namespace cppwebsocket::httpd {

protocol::Opening event_stream_opening(const protocol::OpeningRequest& request) {
  const protocol::HeaderFields fields(request.headers);
  protocol::Opening opening;
  opening.version = Version::event_stream;
  opening.host = fields.first("Host").value_or("");
  opening.origin = fields.first("Origin");
  opening.location = request.secure ? "https://" : "http://";
  opening.location.append(opening.host).append(request.target);
  return opening;
}

protocol::Framing framing_of(const request_rec* r) noexcept {
  const bool is_http_1_1 = !r->connection->master && r->proto_num >= HTTP_VERSION(1, 1);
  return is_http_1_1 ? protocol::Framing::chunked : protocol::Framing::bare;
}

protocol::OpeningResponse event_stream_response(const request_rec* r, const OriginPolicy& policy,
                                                const protocol::Opening& opening,
                                                std::chrono::milliseconds retry) {
  const protocol::Framing framing = framing_of(r);
  protocol::OpeningResponse response;
  response.status_line = "200 OK";
  response.headers = {{"Content-Type", "text/event-stream"},
                      {"Cache-Control", "no-cache, no-transform"},
                      {"X-Accel-Buffering", "no"}};  // nginx, as a proxy in front, would collect
  // Without "Connection: close": Node.js would then take the missing last chunk for no error.
  if (framing == protocol::Framing::chunked)
    response.headers.emplace_back("Transfer-Encoding", "chunked");
  else
    response.headers.emplace_back("Connection", "close");
  add_cross_origin_headers(policy, opening.origin, response.headers);
  response.body = framed(framing, protocol::encode_retry(retry));
  return response;
}

}  // namespace cppwebsocket::httpd
