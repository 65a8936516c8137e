#include "httpd/child/filter_connections.hpp"

#include <apr_portable.h>
#include <http_core.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

// httpd's parent waits 2.3 s before it asks a child a second time, with a warning.
constexpr std::chrono::milliseconds last_words_time{1'500};

// mod_http2 works on six streams of a connection at once, until many of them have ended well. So
// this leaves the page one for its other requests, which would wait without end.
constexpr std::ptrdiff_t most_streams = 5;

apr_os_sock_t descriptor_of(apr_socket_t* socket) noexcept {
  apr_os_sock_t descriptor = -1;
  apr_os_sock_get(&descriptor, socket);
  return descriptor;
}

}  // namespace

FilterConnections::Place::~Place() {
  if (all_) all_->leave(*this);
}

std::string FilterConnections::take(Place& place, conn_rec* c) {
  const std::lock_guard lock(mutex_);
  if (places_.size() >= most_) return "WebSocketFilterConnections is reached";
  apr_socket_t* const socket = ap_get_conn_socket(c->master ? c->master : c);
  const auto streams = std::count_if(places_.begin(), places_.end(), [socket](const Place* other) {
    return other->socket_ == socket;
  });
  if (streams >= most_streams) return "one HTTP/2 connection has too many WebSockets";
  const int spare = ::fcntl(descriptor_of(socket), F_DUPFD_CLOEXEC, 0);
  if (spare < 0) return std::generic_category().message(errno);
  places_.push_back(&place);
  place.all_ = this;
  place.socket_ = socket;
  place.spare_ = spare;
  return {};
}

void FilterConnections::leave(Place& place) noexcept {
  const std::lock_guard lock(mutex_);
  places_.remove(&place);
  if (place.spare_ >= 0) ::close(place.spare_);
  left_.notify_all();
}

void FilterConnections::open_again() noexcept {
  const std::lock_guard lock(mutex_);
  for (Place* place : places_) {
    if (descriptor_of(place->socket_) >= 0) continue;  // open still, or again: another stream's
    opened_.push_back(::fcntl(place->spare_, F_DUPFD_CLOEXEC, 0));
    apr_os_sock_t spare = std::exchange(place->spare_, -1);  // httpd will close it
    apr_os_sock_put(&place->socket_, &spare, nullptr);
    apr_socket_timeout_set(place->socket_, apr_time_from_msec(last_words_time.count()));
  }
}

void FilterConnections::finish() noexcept {
  std::unique_lock lock(mutex_);
  const bool all_left = left_.wait_for(lock, last_words_time, [this] { return places_.empty(); });
  // httpd would go on to wait for each client to close TCP, and its parent does not wait so long.
  for (const int socket : opened_) {
    ::shutdown(socket, all_left ? SHUT_RD : SHUT_RDWR);
    ::close(socket);
  }
  opened_.clear();
}

}  // namespace cppwebsocket::httpd
