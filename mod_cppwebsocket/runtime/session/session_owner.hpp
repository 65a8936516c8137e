// Who counts sessions.
#pragma once

namespace cppwebsocket::runtime {

class EventLoop;

class SessionOwner {
 public:
  // A session of `loop` is destroyed. Thread: whichever destroys it.
  virtual void session_gone(EventLoop& loop, bool blocking) noexcept = 0;

 protected:
  ~SessionOwner() = default;
};

}  // namespace cppwebsocket::runtime
