// Someone who sends on a session beside its handler, such as a channel's member. What many sessions
// send is encoded once; a session takes it as shared bytes and never copies them.
// Thread: the session's.
#pragma once

#include <string_view>

#include <cppwebsocket/detail/operations.hpp>

namespace cppwebsocket::runtime {

class SessionGuest {
 public:
  // The session has nothing unsent, after Guests::expect_more(): append some of what waits with
  // Session::append_shared. With `all`, everything: the handler sends something behind it.
  virtual void refill(bool all) noexcept = 0;

  // The handler's waits end: Tasks::end_reason(), ended_cleanly(). The guest stays attached.
  virtual void session_ended() noexcept = 0;

  // The handler does not wait for `operation` any more. The session resumes it.
  virtual void given_up(const detail::Operation&) noexcept {}

  // The channel that it is a member of, for those who look at connections; or nothing.
  virtual std::string_view channel_name() const noexcept { return {}; }

  // The session is about to be destroyed.
  virtual void session_gone() noexcept = 0;

 protected:
  ~SessionGuest() = default;

 private:
  friend class Guests;
  SessionGuest* next_guest_ = nullptr;
};

}  // namespace cppwebsocket::runtime
