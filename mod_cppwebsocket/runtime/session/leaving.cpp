#include "runtime/session/leaving.hpp"

#include <string>

#include "runtime/session/blocking_session.hpp"
#include "runtime/session/connection.hpp"

namespace cppwebsocket::runtime {

namespace {
constexpr char stopping[] = "the server is stopping";
}

void Leaving::leave_at(detail::TimePoint when, Connection& connection) {
  if (when <= connection.loop().now())
    leave(connection);
  else if (!has_begun_)
    next_ = when;
}

void Leaving::go_on(Connection& connection) { has_begun_ ? close(connection) : leave(connection); }

void Leaving::leave(Connection& connection) {
  if (!connection.ending().is_open()) return connection.ending().end(stopping);
  if (has_begun_) return;  // the goodbye is being said
  has_begun_ = true;
  next_ = connection.loop().now() + connection.limits().close_timeout;
  if (!say_goodbye(connection)) close(connection);
}

// True if the handler has a web_socket_going_away: close() comes when that has returned, or at
// next(). To a client that is closing already there is nothing to say.
bool Leaving::say_goodbye(Connection& connection) {
  if (connection.ending().peer_close_waits() || connection.tasks().have_ended()) return false;
  if (connection.blocking()) return connection.blocking()->say_goodbye();
  if (!connection.handler().table().going_away) return false;
  connection.tasks().start_beside(goodbye(connection));
  connection.reap();
  return true;
}

Task<> Leaving::goodbye(Connection& connection) {
  try {
    Task<> task = connection.handler().table().going_away(connection);
    co_await std::move(task);
  } catch (...) {
    report(std::current_exception(), connection);
  }
  connection.ending().leaving().close(connection);
}

void Leaving::report(const std::exception_ptr& error, const Connection& connection) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const ConnectionTerminatedException&) {
    // The client was faster, or time is up.
  } catch (const std::exception& e) {
    connection.log(LogLevel::error,
                   std::string("web_socket_going_away raised an exception: ") + e.what());
  } catch (...) {
    connection.log(LogLevel::error, "web_socket_going_away raised no std::exception");
  }
}

void Leaving::close(Connection& connection) {
  next_ = detail::TimePoint::max();
  Ending& ending = connection.ending();
  if (ending.is_open()) {
    const CloseCode code = connection.loop().leaving_code();
    ending.start_closing(Close(code), stopping);
    ending.record_close(code, {});
  }
  ending.end(stopping);
}

}  // namespace cppwebsocket::runtime
