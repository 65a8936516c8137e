// The handler's coroutines: their start, their end, and what an exception that escapes becomes.
#include <utility>

#include "runtime/session.hpp"

namespace cppwebsocket::runtime {

// The coroutine at the root of each task. It runs by itself and frees itself.
class Session::Root {
 public:
  struct promise_type {
    Root get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };

  static Root run(Session& session, Task<> task, bool is_main) {
    ++session.tasks_;
    std::exception_ptr error;
    try {
      co_await std::move(task);
    } catch (...) {
      error = std::current_exception();
    }
    task = Task<>();  // its frame, with all locals, goes before the session hears of the end
    session.task_ended(std::move(error), is_main);
  }
};

void Session::run_task(Task<> task, bool is_main) { Root::run(*this, std::move(task), is_main); }

void Session::spawn(Task<> task) {
  require_started("spawn");
  if (ended_) std::rethrow_exception(end_reason_);
  run_task(std::move(task), false);
}

void Session::task_ended(std::exception_ptr error, bool is_main) {
  --tasks_;
  if (error) report(error);
  if (!is_main) return;
  if (wire_ == Wire::open) {
    if (peer_close_waiting_)
      answer_peer_close();
    else
      start_closing(Close(close_code::normal), "the handler has returned");
  }
  end(std::make_exception_ptr(ConnectionTerminatedException("the handler has returned")));
}

// The one place where an exception becomes a close code; exceptions.hpp has the table.
void Session::report(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const AbortedByUserException& e) {
    if (wire_ == Wire::gone) return;
    log(LogLevel::info, e.what());
    record_close(close_code::abnormal_closure, {});
    drop_wire("aborted by the handler");
    end(std::make_exception_ptr(ConnectionTerminatedException(e.what())));
  } catch (const InvalidFrameException& e) {
    close_for_error(close_code::protocol_error, e.what());
  } catch (const ConnectionTerminatedException&) {
    // Over already; a handler that raises it by itself ends as if it had returned.
  } catch (const UnsupportedFrameException& e) {
    close_for_error(close_code::unsupported_data, e.what());
  } catch (const InvalidUTF8Exception& e) {
    close_for_error(close_code::invalid_payload, e.what());
  } catch (const std::exception& e) {
    log(LogLevel::error,
                         std::string("the handler raised an exception: ") + e.what());
    close_for_error(close_code::internal_error, {});
  } catch (...) {
    log(LogLevel::error,
                         "the handler raised something that is not a std::exception");
    close_for_error(close_code::internal_error, {});
  }
}

void Session::close_for_error(CloseCode code, std::string_view what) {
  if (wire_ != Wire::open) return;  // raised on account of the end, or too late to tell the peer
  if (!what.empty())
    log(LogLevel::notice, "closing: " + std::string(what));
  start_closing(Close(code), "an exception escaped the handler");
  end(std::make_exception_ptr(ConnectionTerminatedException("another task has failed")));
}

}  // namespace cppwebsocket::runtime
