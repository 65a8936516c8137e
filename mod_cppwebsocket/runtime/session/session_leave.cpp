// How a connection ends because the child stops: the handler says goodbye, then Close 1001.
#include <utility>

#include "runtime/session/blocking_session.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::runtime {

namespace {

std::exception_ptr server_is_stopping() {
  return std::make_exception_ptr(ConnectionTerminatedException("the server is stopping"));
}

}  // namespace

void Session::go_away(detail::TimePoint when) {
  turn([&] {
    if (when <= loop_.now())
      leave();
    else if (!leaving_)
      leave_at_ = when;
  });
}

void Session::go_away_now() {
  turn([&] { close_for_stop(); });
}

bool Session::cut_off() {
  const bool was_waiting = wire_ == Wire::open || wire_ == Wire::closing;
  if (wire_ != Wire::gone) turn([&] { lose("the server is stopping"); });
  return was_waiting;
}

void Session::leave() {
  if (wire_ != Wire::open) return end(server_is_stopping());
  if (leaving_) return;  // the goodbye is being said
  leaving_ = true;
  leave_at_ = loop_.now() + record_->limits.close_timeout;
  if (!say_goodbye()) close_for_stop();
}

// True if the handler has a web_socket_going_away: close_for_stop() comes when that has returned,
// or at leave_at_. To a client that is closing already there is nothing to say.
bool Session::say_goodbye() {
  if (peer_close_waiting_ || ended_) return false;
  if (blocking_) return blocking_->say_goodbye();
  if (!handler_->table().going_away) return false;
  run_beside(goodbye());
  return true;
}

Task<> Session::goodbye() {
  try {
    Task<> task = handler_->table().going_away(*this);
    co_await std::move(task);
  } catch (...) {
    report_goodbye(std::current_exception());
  }
  close_for_stop();
}

void Session::report_goodbye(const std::exception_ptr& error) const noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const ConnectionTerminatedException&) {
    // The client was faster, or time is up.
  } catch (const std::exception& e) {
    log(LogLevel::error, std::string("web_socket_going_away raised an exception: ") + e.what());
  } catch (...) {
    log(LogLevel::error, "web_socket_going_away raised no std::exception");
  }
}

void Session::close_for_stop() {
  leave_at_ = detail::TimePoint::max();
  if (wire_ == Wire::open) {
    start_closing(Close(close_code::going_away), "the server is stopping");
    record_close(close_code::going_away, {});
  }
  end(server_is_stopping());
}

}  // namespace cppwebsocket::runtime
