// Who counts sessions.
#pragma once

#include <cppwebsocket/detail/request_record.hpp>

namespace cppwebsocket::runtime {

class Connection;
class EventLoop;

class SessionOwner {
 public:
  // A connection that was open is closed, and nothing passes on it any more. Thread: the loop's.
  virtual void connection_ended(Connection& /*connection*/) noexcept {}

  // A session of `loop` is destroyed; what the client was is in `record` still. Of a blocking handler, which: that
  // may be gone already; else null. Thread: whichever destroys it.
  virtual void session_gone(EventLoop& loop, const void* blocking_handler,
                            const detail::RequestRecord& record) noexcept = 0;

 protected:
  ~SessionOwner() = default;
};

}  // namespace cppwebsocket::runtime
