#include "httpd/request/body.hpp"

#include <http_protocol.h>

namespace cppwebsocket::httpd {

int read_body(request_rec* r, std::size_t most, std::string& body) {
  if (const int status = ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK); status != OK) return status;
  if (!ap_should_client_block(r)) return OK;
  if (r->remaining > static_cast<apr_off_t>(most)) return HTTP_REQUEST_ENTITY_TOO_LARGE;
  char buffer[HUGE_STRING_LEN];
  for (;;) {
    const long size = ap_get_client_block(r, buffer, sizeof buffer);
    if (size == 0) return OK;
    // httpd has refused it itself (LimitRequestBody), or the client is gone.
    if (size < 0) return HTTP_BAD_REQUEST;
    body.append(buffer, static_cast<std::size_t>(size));
    if (body.size() > most) return HTTP_REQUEST_ENTITY_TOO_LARGE;
  }
}

}  // namespace cppwebsocket::httpd
