// How a WebSocket comes from httpd's connection to its session.
//
//   takeover        the socket is taken away from httpd: ws, and wss with mod_ssl's TLS state
//   filter chain    httpd's filters go on carrying the bytes: HTTP/2 streams, foreign filters
//
// Thread: the request's MPM worker.
#pragma once

#include "runtime/session/session.hpp"

#include <httpd.h>

#include <memory>
#include <string>

namespace cppwebsocket::httpd {

class Child;

class WayIn {
 public:
  virtual ~WayIn() = default;  // gives back what was reserved and not used

  virtual runtime::Way kind() const noexcept = 0;

  // Takes what the way needs while failing is still polite. Returns why there is no room, or an
  // empty text.
  virtual std::string reserve() = 0;

  // The 101 is out: opens the session and sees it to its reactor. When this returns, httpd may
  // end the request. An exception drops the connection.
  virtual void open(std::unique_ptr<runtime::Session> session,
                    std::unique_ptr<protocol::Protocol> protocol) = 0;
};

// The way for this request's connection; or null, and `refusal` says why there is none.
// WebSocketHTTP2 is about WebSockets: any other stream is an ordinary response.
std::unique_ptr<WayIn> find_way_in(request_rec* r, Child& child, bool is_websocket,
                                   std::string& refusal);

}  // namespace cppwebsocket::httpd
