// Who counts sessions.
#pragma once

namespace cppwebsocket::runtime {

class Connection;
class EventLoop;

class SessionOwner {
 public:
  // A connection that was open is closed, and nothing passes on it any more. Thread: the loop's.
  virtual void connection_ended(Connection& /*connection*/) noexcept {}

  // A session of `loop` is destroyed. Thread: whichever destroys it.
  virtual void session_gone(EventLoop& loop, bool blocking) noexcept = 0;

 protected:
  ~SessionOwner() = default;
};

}  // namespace cppwebsocket::runtime
