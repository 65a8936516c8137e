#include "httpd/ways_in/filter_pump.hpp"

#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/request/answer.hpp"

#include <ap_mpm.h>
#include <apr_poll.h>
#include <apr_portable.h>
#include <http_core.h>
#include <http_protocol.h>

#include <cerrno>

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

// A stream's bytes go into a buffer of mod_http2. Else no more than what a socket that is writable
// surely takes, so that a slow client does not block us.
constexpr std::size_t stream_piece = 32 << 10;
constexpr std::size_t socket_piece = 8 << 10;

constexpr int tick_ms = 1'000;  // how late we learn what no descriptor tells

// Where a stream's bytes come from; -1 if that cannot be waited for.
int input_of_stream(conn_rec* c, apr_pool_t* pool) {
#if AP_MODULE_MAGIC_AT_LEAST(20120211, 129)
  apr_pollfd_t input{};
  input.p = pool;
  if (ap_get_pollfd_from_conn(c, &input, nullptr) == APR_SUCCESS &&
      input.desc_type == APR_POLL_FILE) {
    apr_os_file_t file = -1;
    apr_os_file_get(&file, input.desc.f);
    return file;
  }
#endif
  return -1;
}

}  // namespace

// prefork: the thread that pumps is the one which would be interrupted to end the child. StopHold
// keeps the signals waiting; here they are noticed, and the graceful one, too, which only sets a
// state. Nothing on the other MPMs: their child_stopping comes while the workers work.
class FilterPump::StopNotice {
 public:
  explicit StopNotice(Child& child) : child_(child) {
    if (is_threaded()) return;
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    descriptor_ = ::signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
    asks_ = true;
  }
  ~StopNotice() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  StopNotice(const StopNotice&) = delete;
  StopNotice& operator=(const StopNotice&) = delete;

  int descriptor() const noexcept { return hurried_ ? -1 : descriptor_; }

  void look() noexcept {
    int state = AP_MPMQ_RUNNING;
    if (!asks_ || ap_mpm_query(AP_MPMQ_MPM_STATE, &state) != APR_SUCCESS ||
        state != AP_MPMQ_STOPPING)
      return;
    asks_ = false;
    child_.begin_stop(runtime::Stop::gracefully);
  }

  // The signal is not taken: it takes its effect when we are done.
  void on_signal() noexcept {
    asks_ = false;
    hurried_ = true;
    child_.begin_stop(runtime::Stop::at_once);
  }

 private:
  Child& child_;
  int descriptor_ = -1;
  bool asks_ = false;
  bool hurried_ = false;
};

FilterPump::FilterPump(request_rec* r, int session, bool one_way)
    : c_(r->connection),
      session_(session),
      one_way_(one_way && is_stream()),
      breaks_off_(one_way_ && !comes_back_after_any_end(r)),
      stream_input_(is_stream() ? input_of_stream(c_, r->pool) : -1),
      incoming_(apr_brigade_create(r->pool, c_->bucket_alloc)),
      outgoing_(apr_brigade_create(r->pool, c_->bucket_alloc)),
      buffer_(is_stream() ? stream_piece : socket_piece) {}

void FilterPump::run(Child& child) {
  StopNotice stop(child);
  while (!is_over()) {
    stop.look();
    // A stream whose input has ended tells in no other way that the client has reset it.
    if (one_way_ && c_->aborted) failed_ = true;
    if (!move_some() && !is_over()) wait(stop);
  }
}

bool FilterPump::is_over() const noexcept {
  if (failed_) return true;
  if (!session_ended_ || !unsent_.empty()) return false;
  // HTTP/1: httpd goes on to end the connection, with its own lingering. A WebSocket's stream that
  // the server ends first is reset behind its end, so give the client a moment to end it.
  return !is_stream() || client_ended_ || session_gone_;
}

bool FilterPump::move_some() {
  const bool read = read_client();
  const bool wrote = write_session();
  const bool answered = read_session();
  return write_client() || answered || wrote || read;
}

// --- client to session -----------------------------------------------------------------------

bool FilterPump::read_client() {
  if (client_ended_ || session_gone_ || failed_ || !APR_BRIGADE_EMPTY(incoming_)) return false;
  const apr_status_t status =
      ap_get_brigade(c_->input_filters, incoming_, AP_MODE_READBYTES, APR_NONBLOCK_READ,
                     static_cast<apr_off_t>(stream_piece));
  if (status == APR_SUCCESS) return !APR_BRIGADE_EMPTY(incoming_);
  apr_brigade_cleanup(incoming_);
  if (APR_STATUS_IS_EAGAIN(status) || APR_STATUS_IS_EINTR(status)) return false;
  if (APR_STATUS_IS_EOF(status))
    end_input();
  else
    failed_ = true;
  return true;
}

bool FilterPump::write_session() {
  bool moved = false;
  while (!APR_BRIGADE_EMPTY(incoming_)) {
    apr_bucket* bucket = APR_BRIGADE_FIRST(incoming_);
    const char* bytes = nullptr;
    apr_size_t size = 0;
    // mod_http2 says EOS behind the head of the request, and goes on.
    if (APR_BUCKET_IS_EOS(bucket) && !is_stream()) end_input();
    if (!APR_BUCKET_IS_METADATA(bucket) &&
        apr_bucket_read(bucket, &bytes, &size, APR_BLOCK_READ) != APR_SUCCESS) {
      failed_ = true;
      return true;
    }
    if (size != 0 && !session_gone_) {
      const ssize_t sent = ::send(session_, bytes, size, MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return moved;
      if (sent < 0)
        session_gone_ = true;  // it may have left something to read
      else if (static_cast<apr_size_t>(sent) < size)
        apr_bucket_split(bucket, static_cast<apr_size_t>(sent));
    }
    apr_bucket_delete(bucket);
    moved = true;
  }
  return moved;
}

void FilterPump::end_input() noexcept {
  client_ended_ = true;
  if (!one_way_) ::shutdown(session_, SHUT_WR);
}

// --- session to client -----------------------------------------------------------------------

bool FilterPump::read_session() {
  if (session_ended_ || !unsent_.empty()) return false;
  const ssize_t size = ::recv(session_, buffer_.data(), buffer_.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size > 0) {
    unsent_ = {buffer_.data(), static_cast<std::size_t>(size)};
    return true;
  }
  session_ended_ = true;
  if (is_stream()) end_stream();
  return true;
}

bool FilterPump::write_client() {
  if (unsent_.empty() || !client_takes_bytes()) return false;
  apr_bucket_alloc_t* buckets = c_->bucket_alloc;
  APR_BRIGADE_INSERT_TAIL(outgoing_,
                          apr_bucket_transient_create(unsent_.data(), unsent_.size(), buckets));
  APR_BRIGADE_INSERT_TAIL(outgoing_, apr_bucket_flush_create(buckets));
  unsent_ = {};
  pass();
  return true;
}

// For an error mod_http2 resets the stream. One that just has no end it may not notice.
void FilterPump::end_stream() {
  apr_bucket_alloc_t* buckets = c_->bucket_alloc;
  APR_BRIGADE_INSERT_TAIL(
      outgoing_, breaks_off_
                     ? ap_bucket_error_create(HTTP_SERVICE_UNAVAILABLE, nullptr, c_->pool, buckets)
                     : apr_bucket_eos_create(buckets));
  APR_BRIGADE_INSERT_TAIL(outgoing_, apr_bucket_flush_create(c_->bucket_alloc));
  pass();
}

void FilterPump::pass() {
  const apr_status_t status = ap_pass_brigade(c_->output_filters, outgoing_);
  apr_brigade_cleanup(outgoing_);
  if (status != APR_SUCCESS || c_->aborted) failed_ = true;
}

// Asked for each time: see FilterConnections::open_again.
int FilterPump::client() const noexcept {
  if (is_stream()) return stream_input_;
  apr_os_sock_t socket = -1;
  apr_os_sock_get(&socket, ap_get_conn_socket(c_));
  return socket;
}

bool FilterPump::client_takes_bytes() const noexcept {
  if (is_stream()) return true;
  pollfd client{this->client(), POLLOUT, 0};
  return ::poll(&client, 1, 0) == 1;
}

// --- neither moves ---------------------------------------------------------------------------

void FilterPump::wait(StopNotice& stop) {
  const auto events = [](bool readable, bool writable) {
    return static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
  };
  const bool holds_input = !APR_BRIGADE_EMPTY(incoming_);
  pollfd waited[] = {
      {client(), events(!client_ended_ && !session_gone_ && !holds_input, !unsent_.empty()), 0},
      {session_, events(!session_ended_ && unsent_.empty(), holds_input), 0},
      {stop.descriptor(), POLLIN, 0}};
  // Hang-ups are told in any case: do not wake up for one while there is something else to do.
  if (waited[0].events == 0) waited[0].fd = -1;
  if (waited[1].events == 0 && !unsent_.empty()) waited[1].fd = -1;
  if (::poll(waited, 3, tick_ms) <= 0) return;
  if (waited[2].revents != 0) stop.on_signal();
  // When the session has closed, what it wrote before is read first.
  if (session_ended_ && (waited[1].revents & POLLHUP)) session_gone_ = true;
}

}  // namespace cppwebsocket::httpd
