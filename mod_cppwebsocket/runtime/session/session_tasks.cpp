// The handler's coroutines: their start, their end, and what an exception that escapes becomes.
#include <algorithm>
#include <utility>

#include "runtime/session/session.hpp"

namespace cppwebsocket::runtime {

void Session::run_main(Task<> task) {
  ++tasks_;
  main_task_ = detail::RootTask(std::move(task));
  main_task_.start();
  reap();
}

void Session::run_beside(Task<> task) {
  detail::RootTask& root = seldom().tasks.emplace_back(std::move(task));
  ++tasks_;
  root.start();
  reap();
}

// What an end sets off may resume, end and start other tasks.
void Session::reap_ended() noexcept {
  if (main_task_.has_ended()) task_ended(main_task_, true);
  while (seldom_) {
    auto& tasks = seldom_->tasks;
    const auto ended = std::find_if(tasks.begin(), tasks.end(),
                                    [](const auto& task) { return task.has_ended(); });
    if (ended == tasks.end()) return;
    detail::RootTask task = std::move(*ended);
    tasks.erase(ended);
    task_ended(task, false);
  }
}

// The task's frame, with all locals, goes before the session acts on the end.
void Session::task_ended(detail::RootTask& task, bool is_main) noexcept {
  std::exception_ptr error = task.take_error();
  task = detail::RootTask();
  guarded([&] { task_ended(std::move(error), is_main); });
}

void Session::spawn(Task<> task) {
  require_started("spawn");
  if (ended_) std::rethrow_exception(end_reason_);
  run_beside(std::move(task));
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
  own_wire();
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
