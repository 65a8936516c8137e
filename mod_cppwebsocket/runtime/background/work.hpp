// One function of a handler that runs without a connection (background.hpp), from its start to its
// end. Thread: the loop's, but for what the function itself does on its own.
#pragma once

#include <exception>
#include <functional>
#include <memory>

#include "runtime/handlers/handler.hpp"
#include "runtime/session/event_loop.hpp"

namespace cppwebsocket::runtime {

class Work {
 public:
  using Log = std::function<void(LogLevel, std::string_view)>;
  // Called once, last of all, with what the function has raised, which goes before the handler
  // does. It may destroy the work.
  using Ended = std::function<void(std::exception_ptr)>;

  virtual ~Work() = default;

  // Starts the function, which may end before this returns. Raises bad_alloc, system_error.
  virtual void run() = 0;

  // Has whatever the function waits for raise StoppedException. It may have ended by the return.
  virtual void end() noexcept = 0;
};

// Which of a handler's functions.
enum class WorkKind : unsigned char { once_per_child, once_per_httpd };

bool has_work(const Handler& handler, WorkKind kind) noexcept;

// Of a handler that has such work. `loop` and `handler` outlive the work. `log`: on any thread.
std::unique_ptr<Work> make_work(EventLoop& loop, const Handler& handler, WorkKind kind,
                                Work::Log log, Work::Ended ended);

}  // namespace cppwebsocket::runtime
