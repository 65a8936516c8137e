#include "runtime/transport/tls.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include "runtime/transport/tls_bio.hpp"

namespace cppwebsocket::runtime {

namespace {

constexpr std::size_t record_size = 16 << 10;   // bytes of plaintext, RFC 8446 §5.1
constexpr std::size_t batch = 4 * record_size;  // encrypted before it is sent
static_assert(TlsBio::most_unsent >= 4 * batch);
// A session reads into 64 KiB. With what OpenSSL may hold of a record that is not complete, all the
// plaintext of one recv() fits there.
constexpr std::size_t most_received = 48 << 10;

// Of the thread, for the connection whose turn it is.
struct Scratch {
  std::vector<char> input = std::vector<char>(most_received);
  std::vector<char> record = std::vector<char>(record_size);
  std::string output;
};

Scratch& scratch() {
  thread_local Scratch memory;
  return memory;
}

IoResult broken() noexcept { return {IoStatus::error, 0, EPROTO}; }

}  // namespace

// Lends the thread's output to the transport while that has none of its own.
class TlsTransport::Turn {
 public:
  explicit Turn(TlsTransport& transport) : transport_(transport), lent_(transport.unsent() == 0) {
    if (lent_) std::swap(transport_.unsent_, scratch().output);
  }
  ~Turn() {
    if (transport_.unsent() != 0) return;
    if (lent_)
      std::swap(transport_.unsent_, scratch().output);
    else
      transport_.unsent_ = std::string();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  TlsTransport& transport_;
  const bool lent_;
};

TlsTransport::TlsTransport(SSL* ssl, Descriptor&& descriptor) noexcept
    : ssl_(ssl),
      descriptor_(std::move(descriptor)),
      at_end_((openssl().SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0) {
  openssl().SSL_up_ref(ssl_);
  // The end of httpd's connection would be a close_notify in the middle of ours.
  openssl().SSL_set_quiet_shutdown(ssl_, 1);
}

TlsTransport::~TlsTransport() {
  // A connection that ends in any other way than this loses its session in mod_ssl's cache, says
  // TLS 1.0; but not 1.1 and later (RFC 4346 §7.2.1).
  openssl().SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  openssl().SSL_free(ssl_);
}

void TlsTransport::start() {
  BIO* const bio = TlsBio::make(*this);
  // mod_ssl's callbacks look there for the conn_rec, which is about to go.
  openssl().SSL_set_ex_data(ssl_, 0, nullptr);
  openssl().SSL_set_bio(ssl_, bio, bio);  // which frees mod_ssl's
  openssl().SSL_set_quiet_shutdown(ssl_, 0);
  openssl().SSL_set_shutdown(ssl_, 0);
  openssl().SSL_set_options(ssl_, SSL_OP_NO_RENEGOTIATION);
  openssl().SSL_ctrl(ssl_, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY, nullptr);
}

// --- input ------------------------------------------------------------------------------------

bool TlsTransport::has_input() const noexcept {
  return at_end_ || failed_ || !kept_input_.empty() || openssl().SSL_pending(ssl_) > 0;
}

IoResult TlsTransport::read(std::span<char> buffer) noexcept {
  const Turn turn(*this);
  std::string kept;  // what input_ then refers to
  if (!kept_input_.empty())
    input_ = kept = std::move(kept_input_);
  else if (!has_input())
    if (const IoResult received = receive(); received.status != IoStatus::ok) return received;
  kept_input_.clear();

  const std::size_t count = decrypt(buffer);
  kept_input_.assign(std::exchange(input_, {}));
  const IoResult sent = send();  // OpenSSL may have had to answer
  if (count != 0) return {IoStatus::ok, count, 0};
  if (at_end_) return {IoStatus::closed, 0, 0};
  if (failed_) return broken();
  return sent.status == IoStatus::error ? sent : IoResult{IoStatus::would_block, 0, 0};
}

IoResult TlsTransport::receive() noexcept {
  std::vector<char>& memory = scratch().input;
  for (;;) {
    const ssize_t count = ::recv(descriptor_.get(), memory.data(), memory.size(), 0);
    if (count > 0) {
      input_ = {memory.data(), static_cast<std::size_t>(count)};
      return {IoStatus::ok, input_.size(), 0};
    }
    if (count == 0) return {IoStatus::closed, 0, 0};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::would_block, 0, 0};
    if (errno != EINTR) return {IoStatus::error, 0, errno};
  }
}

std::size_t TlsTransport::decrypt(std::span<char> buffer) noexcept {
  const OpenSsl& ssl = openssl();
  std::size_t count = 0;
  while (count < buffer.size() && !at_end_ && !failed_) {
    if (count != 0 && input_.empty() && ssl.SSL_pending(ssl_) == 0) break;
    ssl.ERR_clear_error();  // the queue is the thread's: not to take another's error for ours
    const int got =
        ssl.SSL_read(ssl_, buffer.data() + count, static_cast<int>(buffer.size() - count));
    if (got > 0) {
      count += static_cast<std::size_t>(got);
      continue;
    }
    const int error = ssl.SSL_get_error(ssl_, got);
    if (error == SSL_ERROR_WANT_READ) break;
    (error == SSL_ERROR_ZERO_RETURN ? at_end_ : failed_) = true;
  }
  return count;
}

// --- output -----------------------------------------------------------------------------------

IoResult TlsTransport::write(std::span<const std::string_view> pieces) noexcept {
  const Turn turn(*this);
  std::size_t left = 0;
  for (const std::string_view piece : pieces) left += piece.size();
  std::size_t accepted = 0;
  IoResult sent = send();  // the rest of the last call
  const bool moved = sent.bytes != 0;
  while (sent.status == IoStatus::ok && unsent() == 0 && left != 0 && !failed_) {
    const std::size_t count = encrypt(pieces, accepted);
    accepted += count;
    left -= count;
    sent = send();
  }
  if (sent.status == IoStatus::error) return sent;
  if (failed_) return broken();
  if (sent.status == IoStatus::would_block && accepted == 0 && !moved) return sent;
  return {IoStatus::ok, accepted, 0};
}

// Encrypts one batch of what is behind the first `skip` bytes, and returns its size. Every record
// is full but the last: each costs the peer and us some 30 bytes and a checksum.
std::size_t TlsTransport::encrypt(std::span<const std::string_view> pieces,
                                  std::size_t skip) noexcept {
  std::vector<char>& record = scratch().record;
  std::size_t gathered = 0;
  std::size_t done = 0;
  for (std::string_view piece : pieces) {
    const std::size_t skipped = std::min(skip, piece.size());
    skip -= skipped;
    piece.remove_prefix(skipped);
    while (!piece.empty() && done + gathered < batch) {
      std::size_t count = std::min(piece.size(), record_size - gathered);
      if (count == record_size) {  // whole ones need no copy
        count = std::min(piece.size(), batch - done) / record_size * record_size;
        if (!write_records(piece.data(), count)) return done;
        done += count;
      } else {
        std::memcpy(record.data() + gathered, piece.data(), count);
        gathered += count;
      }
      piece.remove_prefix(count);
      if (gathered != record_size) continue;
      if (!write_records(record.data(), gathered)) return done;
      done += std::exchange(gathered, 0);
    }
  }
  if (gathered != 0 && write_records(record.data(), gathered)) done += gathered;
  return done;
}

bool TlsTransport::write_records(const char* bytes, std::size_t size) noexcept {
  while (size != 0) {
    openssl().ERR_clear_error();
    const int written = openssl().SSL_write(ssl_, bytes, static_cast<int>(size));
    if (written <= 0) {
      // As we take all that OpenSSL writes, it has failed; or it waits for the second half of a
      // handshake message (RFC 8446 §5.1 allows halves, nobody sends them), and so would we.
      failed_ = true;
      return false;
    }
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

// Gives the kernel what it takes of unsent_.
IoResult TlsTransport::send() noexcept {
  if (unsent() == 0) return {IoStatus::ok, 0, 0};
  for (;;) {
    const ssize_t count = ::send(descriptor_.get(), unsent_.data() + sent_, unsent(), MSG_NOSIGNAL);
    if (count >= 0) {
      sent_ += static_cast<std::size_t>(count);
      if (unsent() == 0) {
        unsent_.clear();
        sent_ = 0;
      }
      return {IoStatus::ok, static_cast<std::size_t>(count), 0};
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::would_block, 0, 0};
    if (errno != EINTR) return {IoStatus::error, 0, errno};
  }
}

bool TlsTransport::shutdown_write() noexcept {
  const Turn turn(*this);
  if (!notified_ && !failed_) {  // RFC 8446 §6.1: a close_notify before the end
    notified_ = true;
    openssl().ERR_clear_error();
    openssl().SSL_shutdown(ssl_);
  }
  if (send().status != IoStatus::error && unsent() != 0) return false;
  ::shutdown(descriptor_.get(), SHUT_WR);
  return true;
}

}  // namespace cppwebsocket::runtime
