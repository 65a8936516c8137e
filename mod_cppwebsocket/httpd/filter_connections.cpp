#include "httpd/filter_connections.hpp"

#include <apr_portable.h>
#include <http_core.h>

#include <cerrno>
#include <chrono>
#include <system_error>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

// httpd's parent waits 2.3 s before it asks a child a second time, with a warning.
constexpr std::chrono::milliseconds last_words_time{1'500};

apr_os_sock_t descriptor_of(apr_socket_t* socket) noexcept {
  apr_os_sock_t descriptor = -1;
  apr_os_sock_get(&descriptor, socket);
  return descriptor;
}

}  // namespace

FilterConnections::Place::~Place() {
  if (all_) all_->leave(*this);
}

bool FilterConnections::take(Place& place, conn_rec* c) {
  const std::lock_guard lock(mutex_);
  if (places_.size() >= most_) return false;
  place.socket_ = ap_get_conn_socket(c->master ? c->master : c);
  place.spare_ = ::fcntl(descriptor_of(place.socket_), F_DUPFD_CLOEXEC, 0);
  if (place.spare_ < 0) throw std::system_error(errno, std::generic_category(), "dup");
  places_.push_back(&place);
  place.all_ = this;
  return true;
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
    apr_os_sock_t spare = place->spare_;
    apr_os_sock_put(&place->socket_, &spare, nullptr);
    apr_socket_timeout_set(place->socket_, apr_time_from_msec(last_words_time.count()));
    place->spare_ = -1;  // httpd will close it
  }
}

void FilterConnections::finish() noexcept {
  std::unique_lock lock(mutex_);
  if (left_.wait_for(lock, last_words_time, [this] { return places_.empty(); })) return;
  // Nobody may wait for these any more.
  for (Place* place : places_)
    if (const apr_os_sock_t socket = descriptor_of(place->socket_); socket >= 0)
      ::shutdown(socket, SHUT_RDWR);
}

}  // namespace cppwebsocket::httpd
