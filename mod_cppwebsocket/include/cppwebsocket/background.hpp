// Background: what a handler's work without a connection has, such as a poll of something that all clients
// are to hear of.
//
//   Task<> web_socket_once_per_httpd(Background& background) {
//     const Channel clock = Channel::named("clock");
//     for (;;) {
//       co_await background.sleep_for(std::chrono::seconds(1));
//       clock.publish("tick");
//     }
//   }
//
// web_socket_once_per_child runs in each child process of httpd, web_socket_once_per_httpd in one of them at a
// time: if that child dies or ends, another begins it, a second or two later. Both begin with the child, no
// client is needed; of a file that comes into a running httpd whose handlers had no such work so far, with its
// first client. When another version of the file is there (looked for every second), when the
// file is gone, and when the child begins to end, be it gracefully, whatever the function waits for raises
// StoppedException; the new version's begins when it has ended. It is waited for as handlers are.
// What it raises otherwise is logged with the handler's name (CWS0066), and it is begun again after a pause: a
// second, doubled each time up to a minute, and a second again once it has run for a minute. When it
// returns, its work is done: it is not begun again in this child, nor, while that lives, in another.
#pragma once

#include <chrono>
#include <stop_token>
#include <string_view>

#include <cppwebsocket/request.hpp>

namespace cppwebsocket {

// Thread: the function and all that it waits for run on one reactor's thread of the child, which it shares with
// connections: no blocking calls there, use run_blocking. log() may be called, and a stop_token used, on any.
class Background {
 public:
  // As request.sleep_for, run_blocking and stop_token, with StoppedException for the end.
  detail::SleepAwaiter<Background> sleep_for(std::chrono::nanoseconds duration) {
    return {*this, duration};
  }
  template <typename Function>
  detail::PoolAwaiter<Background, Function> run_blocking(Function&& fn) {
    detail::require_unbroken<Function>();
    return {*this, std::forward<Function>(fn)};
  }
  virtual std::stop_token stop_token() = 0;

  // A line of the main server's error log, with the handler's name.
  virtual void log(LogLevel level, std::string_view text) = 0;

  // The server's half.
  virtual bool begin(detail::SleepOperation& operation, std::chrono::nanoseconds duration) = 0;
  virtual void begin(detail::PoolOperation& operation) = 0;
  virtual void begin(detail::OutsideOperation& operation) = 0;

 protected:
  ~Background() = default;
};

// The same for a blocking handler, whose function has a thread to itself, beside those that
// WebSocketBlockingThreads allows. Thread: any that ends before the function returns.
class BlockingBackground {
 public:
  // Raises StoppedException if the work is to end, also meanwhile.
  virtual void sleep_for(std::chrono::nanoseconds duration) = 0;
  // Requested when the work is to end: for all else that it waits for.
  virtual std::stop_token stop_token() = 0;
  virtual void log(LogLevel level, std::string_view text) = 0;

 protected:
  ~BlockingBackground() = default;
};

}  // namespace cppwebsocket
