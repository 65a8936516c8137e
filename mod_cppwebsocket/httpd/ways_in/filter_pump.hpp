// Moves bytes between httpd's connection filters and a local socket, until one side has ended.
//
//   from the client   read without blocking, as long as the session takes it: back-pressure is the
//                     filters' (TCP's, or the stream's window). Filters may hold bytes that no poll
//                     shows, so they are asked until they have none.
//   to the client     one brigade and a flush for what the session has written. That may block, if
//                     the client takes nothing, up to httpd's Timeout or H2StreamTimeout.
//
// Thread: the request's.
#pragma once

#include <httpd.h>

#include <apr_buckets.h>
#include <util_filter.h>

#include <string_view>
#include <vector>

namespace cppwebsocket::httpd {

class Child;

class FilterPump {
 public:
  // `session`: a non-blocking socket, borrowed. `one_way`: the request has ended, and only the
  // response goes on, so that the end of a stream's input is not the end of the client.
  FilterPump(request_rec* r, int session, bool one_way);

  void run(Child& child);

 private:
  class StopNotice;

  bool is_stream() const noexcept { return c_->master != nullptr; }  // of HTTP/2
  bool is_over() const noexcept;
  bool move_some();
  bool read_client();
  bool write_session();
  bool read_session();
  bool write_client();
  void end_stream();
  void pass();
  void end_input() noexcept;
  int client() const noexcept;  // to poll
  bool client_takes_bytes() const noexcept;
  void wait(StopNotice& stop);

  conn_rec* c_;
  int session_;
  const bool one_way_;
  const bool breaks_off_;         // the stream's end is an error
  int stream_input_;              // to poll; -1 if this is no stream
  apr_bucket_brigade* incoming_;  // what the session has not taken
  apr_bucket_brigade* outgoing_;
  std::vector<char> buffer_;
  std::string_view unsent_;     // the part of it that is still to go to the client
  bool client_ended_ = false;   // it sends no more
  bool session_ended_ = false;  // the same
  bool session_gone_ = false;   // it reads no more, either
  bool failed_ = false;         // the client cannot be reached
};

}  // namespace cppwebsocket::httpd
