#include "httpd/child/draining.hpp"

#include "httpd/child/child.hpp"

#include <ap_listen.h>
#include <apr_errno.h>

#include <atomic>

#include <sys/socket.h>
#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

// What the MPMs take for a lack of something that only their end mends (ap_unixd_accept).
apr_status_t accept_nothing(void** socket, ap_listen_rec*, apr_pool_t*) {
  *socket = nullptr;
  return APR_EGENERAL;
}

// The connection is for whichever child is quickest, and says nothing to it; all that wait look up.
void knock(const ap_listen_rec& listener) noexcept {
  const apr_sockaddr_t* const address = listener.bind_addr;
  const int knocking = ::socket(address->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (knocking < 0) return;
  ::connect(knocking, reinterpret_cast<const sockaddr*>(&address->sa), address->salen);
  ::close(knocking);
}

}  // namespace

void accept_no_more() noexcept {
  for (ap_listen_rec* each = ap_listeners; each; each = each->next)
    std::atomic_ref(each->accept_func).store(accept_nothing);
}

bool begin_drain(Child& child) noexcept {
  if (!ap_listeners || ap_num_listen_buckets > 1) return false;
  accept_no_more();
  child.leave();
  knock(*ap_listeners);
  return true;
}

}  // namespace cppwebsocket::httpd
