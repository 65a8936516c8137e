// BlockingRequest: one WebSocket connection, as a blocking handler sees it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>

#include <cppwebsocket/detail/operations.hpp>
#include <cppwebsocket/message.hpp>
#include <cppwebsocket/request_properties.hpp>
#include <cppwebsocket/sender.hpp>

namespace cppwebsocket {

// Thread: web_socket_transfer_data has a thread of the child's blocking pool to itself for as long
// as it runs (WebSocketBlockingThreads bounds how many there are; one more client gets 503).
// Pings, pongs and a slow peer's buffer are served behind its back. receive is for one thread at
// a time; send, ping and close may be called from any thread that ends before the handler does.
class BlockingRequest : public RequestProperties {
 public:
  // Runs `function` on a thread of its own. When web_socket_transfer_data has returned, the
  // stop_token is requested, calls that wait on this request or on a membership raise
  // ConnectionTerminatedException, and the thread is joined before the request goes. The locals of
  // web_socket_transfer_data go earlier: a thread that refers to them is a SpawnedThread (below). Only
  // to a BlockingMembership, and to what is declared before one, these threads may refer, too: see there.
  // What `function` raises ends the connection as if raised by web_socket_transfer_data. Raises
  // BadOperationException during the handshake, ConnectionTerminatedException at the end.
  void spawn(std::function<void(std::stop_token)> function) {
    start_thread(std::move(function), false);
  }

  // Waits; raises ConnectionTerminatedException if the connection ends first.
  virtual void sleep_for(std::chrono::nanoseconds duration) = 0;

  // Waits until `descriptor` can be read, or written, without waiting, at most until a deadline or for a time.
  // readiness.hpp says what a descriptor may be, what is raised and what closing it does. Raises
  // ConnectionTerminatedException once the stop_token is requested.
  Readiness readable(int descriptor, detail::TimePoint deadline = detail::TimePoint::max()) {
    return wait_for(descriptor, false, deadline);
  }
  Readiness readable(int descriptor, std::chrono::nanoseconds timeout) {
    return wait_for(descriptor, false, detail::after(timeout));
  }
  Readiness writable(int descriptor, detail::TimePoint deadline = detail::TimePoint::max()) {
    return wait_for(descriptor, true, deadline);
  }
  Readiness writable(int descriptor, std::chrono::nanoseconds timeout) {
    return wait_for(descriptor, true, detail::after(timeout));
  }

  // Closes the connection at that time with `close`, in the handshake or later; another call sets another
  // time, and time_point::max() none. What waits then raises ConnectionTerminatedException, and ws_close_code() is the
  // code. For what is allowed for some time only, such as a token's expiry. The server's own rule (WebSocketMaxAge)
  // may be earlier, and holds. Raises BadOperationException for a code or reason that may not be sent. Thread:
  // any of the handler's.
  virtual void close_at(std::chrono::system_clock::time_point when,
                        Close close = Close(close_code::policy_violation)) = 0;

  // Whether httpd would let the client have this address of the connection's virtual host now, as its whole
  // configuration says: rewriting, Require, authentication. It is asked as if the client sent its opening
  // handshake again, with the same fields, query and address, for `path`, which is absolute and not escaped. Each
  // call asks anew, and waits as long as httpd's modules take: mostly some 30 us, as long as a password takes to be
  // hashed, or minutes with a directory server that is silent. docs/security.md says how soon a right that is
  // withdrawn is seen. Each connection of a file that calls it keeps its request's head, of 1 to 2 KiB as a rule.
  // Raises BadOperationException during the handshake, where Require has just said yes, in ping handlers, for a
  // path without '/' in front and for what is no method. Thread: any.
  template <typename File = void>
  Allowed is_allowed(std::string_view path, std::string_view method = "GET") {
    [[maybe_unused]] const bool* const is_noted = &detail::AsksHttpd<File>::is_noted;
    return judge_of(method, path).ask(method, path);
  }

  // Becomes stop_requested when the connection begins to end for any reason; a spawned thread's,
  // also when that thread is to end. Thread: any.
  virtual std::stop_token stop_token() = 0;

  // A handle that never waits and may outlive the handler. See sender.hpp. Thread: any.
  virtual Sender sender() = 0;

  // The server's half of spawn and msgutil; use SpawnedThread and blocking_msgutil.hpp instead.
  virtual std::uint64_t start_thread(std::function<void(std::stop_token)> function,
                                     bool scoped) = 0;
  virtual void end_thread(std::uint64_t number) noexcept = 0;
  virtual std::optional<Message> receive(
      std::optional<std::chrono::steady_clock::time_point> deadline, bool in_fragments) = 0;
  virtual std::optional<Message> try_receive() = 0;
  virtual void send(Message message, bool end) = 0;
  virtual void ping(std::string_view body) = 0;
  virtual void close(Close close) = 0;

  virtual Readiness wait_for(int descriptor, bool writable, detail::TimePoint deadline) = 0;
  // For blocking_wait.hpp. Waits until `done`, which is asked again after each change(), at most until
  // `deadline`; returns whether it is. Raises as receive_message does at the end. Both are called under one
  // lock of the request's.
  virtual bool wait_until(const std::function<bool()>& done, detail::TimePoint deadline) = 0;
  virtual void change(const std::function<void()>& change) = 0;

 protected:
  using RequestProperties::RequestProperties;
  ~BlockingRequest() = default;
};

// A thread that may use what is declared before it, by reference: it has ended when this has gone.
//
//   auto room = Channel::named("room").join(request, {.receive = true});
//   SpawnedThread reader(request, [&](std::stop_token) {
//     while (auto next = room.receive())
//       if (next->kind == Publication::Kind::message)
//         msgutil::send_message(request, std::move(next->message));
//   });
//
// The destructor requests the stop_token, has calls that wait on the request or on a membership raise
// ConnectionTerminatedException in this thread and in those that it has spawned, and waits until they
// have ended. So `function` must not wait for anything else without the token, and for nothing that
// happens only behind this object's scope. Otherwise as request.spawn(), whose exceptions it raises.
// Thread: the one that made it destroys it.
class [[nodiscard]] SpawnedThread {
 public:
  SpawnedThread(BlockingRequest& request, std::function<void(std::stop_token)> function)
      : request_(request), number_(request.start_thread(std::move(function), true)) {}
  SpawnedThread(const SpawnedThread&) = delete;
  SpawnedThread& operator=(const SpawnedThread&) = delete;
  ~SpawnedThread() { request_.end_thread(number_); }

 private:
  BlockingRequest& request_;
  std::uint64_t number_;
};

}  // namespace cppwebsocket
