// Taking a connection's socket away from httpd. The order of the calls is the point; each was
// found out on event, worker and prefork:
//
//   1. ReservedSocket       a second descriptor, while failing is still polite
//   2. StopHold             prefork: a stop waits for the hand-over
//   3. send_opening()       the 101 leaves through httpd's filters (answer.hpp)
//   4. take_over()          httpd's descriptor becomes the dummy; what httpd has read is ours
//   5. hand_over_at_end()   the session starts when httpd is done with the connection
//
// With TLS the same, and mod_ssl's SSL object goes along: in 4. all that was received ends up in
// it or is decrypted; between 4. and 5. mod_ssl ends its use of it, without a word to the client.
//
// Thread: the request's MPM worker.
#pragma once

#include "httpd/ways_in/way_in.hpp"
#include "runtime/loop/descriptor.hpp"

#include <httpd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace cppwebsocket::httpd {

// Another descriptor for the client's socket. Closed unless it is released.
class ReservedSocket {
 public:
  // Throws std::system_error if there is no descriptor left.
  explicit ReservedSocket(conn_rec* c);

  // Puts `dummy` in the place of httpd's descriptor, which httpd goes on to close, and returns
  // the bytes that httpd has read from the client and not used.
  std::string take_over(request_rec* r, int dummy);

  // It, non-blocking now; the caller's, if it wants to. `buffers`: WebSocketSocketBufferSize.
  runtime::Descriptor&& release(std::optional<std::size_t> buffers) noexcept;

 private:
  int httpd_descriptor_;
  runtime::Descriptor descriptor_;
};

// Holds back the signals that end a prefork child, which ends inside their handlers: between the
// 101 and the hand-over nobody could tell the client. Nothing on other MPMs, whose children end
// when their workers are done. Thread: made and destroyed on the same.
class StopHold {
 public:
  StopHold() noexcept;
  StopHold(StopHold&& other) noexcept : held_(std::exchange(other.held_, false)) {}
  ~StopHold();

 private:
  bool held_;
};

class SocketTakeover final : public WayIn {
 public:
  SocketTakeover(request_rec* r, Child& child) noexcept : r_(r), child_(child) {}

  runtime::Way kind() const noexcept override;
  std::string reserve() override;
  void open(std::unique_ptr<runtime::Session> session,
            std::unique_ptr<protocol::Protocol> protocol) override;

 private:
  request_rec* r_;
  Child& child_;
  std::optional<ReservedSocket> socket_;
  std::optional<StopHold> hold_;
};

// draft-76: the eight bytes behind the head, waiting for them as long as httpd would for a body.
// None if they do not come.
std::optional<std::string> read_key3(request_rec* r);

}  // namespace cppwebsocket::httpd
