#include "httpd/ways_in/takeover.hpp"

#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/answer.hpp"
#include "httpd/ways_in/tls.hpp"
#include "runtime/transport/socket.hpp"

#include <apr_buckets.h>
#include <apr_portable.h>
#include <http_core.h>
#include <util_filter.h>

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

constexpr std::size_t key3_size = 8;  // bytes, draft-76 §5.2

// One read of at most `most` bytes, appended to `bytes`; false if there was nothing to read.
bool read_some(conn_rec* c, apr_bucket_brigade* brigade, apr_read_type_e block, std::size_t most,
               std::string& bytes) {
  const std::size_t before = bytes.size();
  const apr_status_t status = ap_get_brigade(c->input_filters, brigade, AP_MODE_READBYTES, block,
                                             static_cast<apr_off_t>(most));
  if (status == APR_SUCCESS) {
    char* text = nullptr;
    apr_size_t size = 0;
    apr_brigade_pflatten(brigade, &text, &size, brigade->p);
    bytes.append(text, size);
  }
  apr_brigade_cleanup(brigade);
  return bytes.size() > before;
}

struct Pending {
  StopHold hold;
  std::unique_ptr<runtime::Session> session;
  runtime::TlsTransport* tls;  // the session's, or null
};

void mask_stop_signals(int how) noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(how, &signals, nullptr);
}

void hand_over(void* memory) noexcept {
  auto& pending = *static_cast<Pending*>(memory);
  try {
    if (pending.tls) pending.tls->start();
    Child::current()->runtime().hand_over(std::move(pending.session));
  } catch (...) {
    // Out of memory: the session is destroyed and closes its socket.
  }
  pending.~Pending();
}

// Gives the session to its reactor when the connection's pool is cleaned: the MPM has then closed
// what it takes for the client's socket and has no more use for the connection.
void hand_over_at_end(conn_rec* c, std::unique_ptr<runtime::Session> session, StopHold hold,
                      runtime::TlsTransport* tls) {
  auto* pending =
      new (apr_palloc(c->pool, sizeof(Pending))) Pending{std::move(hold), std::move(session), tls};
  if (tls) return after_mod_ssl(*tls_of(c), hand_over, pending);
  const auto cleanup = [](void* memory) -> apr_status_t {
    hand_over(memory);
    return APR_SUCCESS;
  };
  apr_pool_cleanup_register(c->pool, pending, cleanup, apr_pool_cleanup_null);
}

}  // namespace

ReservedSocket::ReservedSocket(conn_rec* c) : httpd_descriptor_(-1), descriptor_(-1) {
  apr_os_sock_t socket = -1;
  apr_os_sock_get(&socket, ap_get_conn_socket(c));
  httpd_descriptor_ = socket;
  descriptor_ = runtime::Descriptor(::fcntl(socket, F_DUPFD_CLOEXEC, 0));
  if (descriptor_.get() < 0) throw std::system_error(errno, std::generic_category(), "dup");
}

std::string ReservedSocket::take_over(request_rec* r, int dummy) {
  conn_rec* c = r->connection;
  // It would go on to measure the client's speed.
  ap_remove_input_filter_byhandle(c->input_filters, "reqtimeout");
  finish_response(r);  // again, for that may have been the first in the chain
  if (tls_of(c)) end_network_input(c);

  if (::dup3(dummy, httpd_descriptor_, O_CLOEXEC) < 0)
    throw std::system_error(errno, std::generic_category(), "dup3");

  // After the exchange, so that only what was read already can come: reading the dummy fails at
  // once. The other way round a client that sends and sends would never let us go.
  std::string already_read;
  apr_bucket_brigade* brigade = apr_brigade_create(r->pool, c->bucket_alloc);
  while (read_some(c, brigade, APR_NONBLOCK_READ, HUGE_STRING_LEN, already_read)) {
  }
  return already_read;
}

runtime::Descriptor&& ReservedSocket::release(std::optional<std::size_t> buffers) noexcept {
  // Flags of the socket, which the two descriptors share: only now that httpd has let go of it.
  const int flags = ::fcntl(descriptor_.get(), F_GETFL);
  if ((flags & O_NONBLOCK) == 0) ::fcntl(descriptor_.get(), F_SETFL, flags | O_NONBLOCK);
  const int on = 1;  // fails on Unix sockets, which do not delay
  ::setsockopt(descriptor_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (buffers.value_or(0) != 0) {
    const int size = static_cast<int>(*buffers);
    for (const int option : {SO_SNDBUF, SO_RCVBUF})
      ::setsockopt(descriptor_.get(), SOL_SOCKET, option, &size, sizeof size);
  }
  return std::move(descriptor_);
}

StopHold::StopHold() noexcept : held_(!is_threaded()) {
  if (held_) mask_stop_signals(SIG_BLOCK);
}

StopHold::~StopHold() {
  if (held_) mask_stop_signals(SIG_UNBLOCK);
}

runtime::Way SocketTakeover::kind() const noexcept {
  return tls_of(r_->connection) ? runtime::Way::tls : runtime::Way::tcp;
}

std::string SocketTakeover::reserve() {
  try {
    socket_.emplace(r_->connection);
  } catch (const std::system_error& error) {
    return error.what();
  }
  hold_.emplace();
  return {};
}

void SocketTakeover::open(std::unique_ptr<runtime::Session> session,
                          std::unique_ptr<protocol::Protocol> protocol) {
  conn_rec* c = r_->connection;
  std::string already_read = socket_->take_over(r_, child_.dummy_socket());
  auto&& socket = socket_->release(directory_config_of(r_).socket_buffer_size);
  std::unique_ptr<runtime::Transport> transport;
  runtime::TlsTransport* over_tls = nullptr;
  if (TlsConnection* tls = tls_of(c)) {
    auto made = make_tls_transport(*tls, std::move(socket));
    over_tls = made.get();
    transport = std::move(made);
  } else {
    transport = std::make_unique<runtime::SocketTransport>(std::move(socket));
  }
  session->open(std::move(transport), std::move(protocol), std::move(already_read));
  hand_over_at_end(c, std::move(session), std::move(*hold_), over_tls);
}

std::optional<std::string> read_key3(request_rec* r) {
  // From the connection: the body is not announced, so the request's own filters see none.
  std::string key;
  apr_bucket_brigade* brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
  while (key.size() < key3_size)
    if (!read_some(r->connection, brigade, APR_BLOCK_READ, key3_size - key.size(), key))
      return std::nullopt;
  return key;
}

}  // namespace cppwebsocket::httpd
