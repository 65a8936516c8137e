// How a session leaves because its child stops: at its time the handler may say goodbye
// (web_socket_going_away), then a Close goes out (EventLoop::leaving_code).
// Thread: the session's, in a turn of it.
#pragma once

#include <exception>

#include <cppwebsocket/detail/operations.hpp>
#include <cppwebsocket/task.hpp>

namespace cppwebsocket::runtime {

class Connection;

class Leaving {
 public:
  // Leaves at `when`, or now if that is over. Once it is leaving, no other time counts.
  void leave_at(detail::TimePoint when, Connection& connection);
  // Its time has come: the goodbye, or, if that was begun before, the Close without its end.
  void go_on(Connection& connection);
  void close(Connection& connection);  // the Close now, and whoever waits is told
  // The goodbye has raised `error`.
  static void report(const std::exception_ptr& error, const Connection& connection) noexcept;

  // When to go_on(); the end of time if it does not leave.
  detail::TimePoint next() const noexcept { return next_; }

 private:
  void leave(Connection& connection);
  bool say_goodbye(Connection& connection);
  static Task<> goodbye(Connection& connection);

  detail::TimePoint next_ = detail::TimePoint::max();
  bool has_begun_ = false;
};

}  // namespace cppwebsocket::runtime
