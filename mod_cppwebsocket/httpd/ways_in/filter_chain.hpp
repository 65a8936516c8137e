// A WebSocket whose bytes httpd's filters carry: an HTTP/2 stream (RFC 8441), whose socket belongs
// to all streams of its connection, or any connection with a filter of a module we do not know.
//
// The session is where all sessions are, on a reactor, with one end of a socket pair as its
// transport. The request's thread stays, pumping between the other end and the filters:
//
//   client -- httpd's filters -- pump, on the request's thread == socket pair == session
//
// So such a connection holds a thread until it ends: of the MPM, or of mod_http2.
// Thread: the request's.
#pragma once

#include "httpd/child/filter_connections.hpp"
#include "httpd/ways_in/takeover.hpp"
#include "httpd/ways_in/way_in.hpp"
#include "runtime/loop/descriptor.hpp"

#include <httpd.h>

#include <memory>
#include <optional>
#include <string>

namespace cppwebsocket::httpd {

class FilterChainWay final : public WayIn {
 public:
  FilterChainWay(request_rec* r, Child& child) noexcept : r_(r), child_(child) {}

  runtime::Way kind() const noexcept override;
  std::string reserve() override;

  // Returns when the connection has ended.
  void open(std::unique_ptr<runtime::Session> session,
            std::unique_ptr<protocol::Protocol> protocol) override;

 private:
  request_rec* r_;
  Child& child_;
  FilterConnections::Place place_;
  runtime::Descriptor pump_end_{-1};
  runtime::Descriptor session_end_{-1};
  std::optional<StopHold> hold_;  // until the client has been told of a stop
};

}  // namespace cppwebsocket::httpd
