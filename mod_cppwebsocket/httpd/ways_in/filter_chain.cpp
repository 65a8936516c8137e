#include "httpd/ways_in/filter_chain.hpp"

#include "httpd/child/child.hpp"
#include "httpd/request/answer.hpp"
#include "httpd/ways_in/filter_pump.hpp"
#include "runtime/transport/socket.hpp"

#include <util_filter.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/socket.h>

namespace cppwebsocket::httpd {

namespace {

// What may wait in the socket pair, each way, besides what the session itself lets wait.
constexpr int pair_buffer_size = 32 << 10;  // bytes; Linux doubles it for its own needs

}  // namespace

runtime::Way FilterChainWay::kind() const noexcept {
  return r_->connection->master ? runtime::Way::http2 : runtime::Way::filters;
}

std::string FilterChainWay::reserve() {
  std::string full = child_.filter_connections().take(place_, r_->connection);
  if (!full.empty()) return full;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return std::generic_category().message(errno);
  pump_end_ = runtime::Descriptor(ends[0]);
  session_end_ = runtime::Descriptor(ends[1]);
  for (const int end : ends)
    ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &pair_buffer_size, sizeof pair_buffer_size);
  hold_.emplace();
  return {};
}

void FilterChainWay::open(std::unique_ptr<runtime::Session> session,
                          std::unique_ptr<protocol::Protocol> protocol) {
  // It would go on to measure the client's speed, and be the first in the chain that r is to use.
  ap_remove_input_filter_byhandle(r_->connection->input_filters, "reqtimeout");
  finish_response(r_);
  log_opening(r_);
  FilterPump pump(r_, pump_end_.get(), session->ws_version() == Version::event_stream);
  auto transport = std::make_unique<runtime::PairTransport>(std::move(session_end_));
  session->open(std::move(transport), std::move(protocol), {});
  child_.runtime().hand_over(std::move(session));
  pump.run(child_);
}

}  // namespace cppwebsocket::httpd
