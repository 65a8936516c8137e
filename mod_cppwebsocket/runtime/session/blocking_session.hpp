// A session whose handler is written in the blocking style. The handler's function has a thread of
// the blocking pool; the session stays with its loop. In between: a mutex, conditions, and posts.
// Messages wait here until the thread asks. What the thread sends it writes itself while the
// session lends it the wire, which is nearly always; else the session does.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <cppwebsocket/blocking_request.hpp>
#include <cppwebsocket/detail/operations.hpp>

#include "runtime/session/handler_threads.hpp"
#include "runtime/session/inbox.hpp"
#include "runtime/session/lent_wire.hpp"
#include "runtime/session/message_rules.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::runtime {

class BlockingSession final : public BlockingRequest, private Posted {
 public:
  explicit BlockingSession(Session& session) noexcept;
  ~BlockingSession() = default;

  // --- Thread: the session's -----------------------------------------------------------------

  void start();
  void deliver(Message&& message);
  bool full() const noexcept { return full_; }  // the session is not to read
  void session_ended();
  std::size_t pinned() const noexcept { return ready_bytes_; }
  Session& session() noexcept { return session_; }
  void request_stop() noexcept { threads_.request_stop(); }
  // Sends what the handler has sent so far, and accepts no more.
  void close_door();
  // Starts the handler's web_socket_going_away, on a thread of the call pool; false: it has none.
  bool say_goodbye();
  void output_drained(std::size_t buffered) noexcept;

  // The peer's Close is here. True if the handler has come to it; else its thread has it answered
  // when it does.
  bool has_come_to_close();
  // True if the handler has a web_socket_passive_closing_handshake that has not chosen yet: its
  // thread runs that when it receives, and then has the Close answered.
  bool offer_close();
  std::optional<Close> chosen_close();

  LentWire& wire() noexcept { return wire_; }
  detail::TimePoint last_write() const noexcept { return last_write_; }  // on the lent wire

  // --- Thread: the handler's -------------------------------------------------------------------

  std::uint64_t start_thread(std::function<void(std::stop_token)> function, bool scoped) override;
  void end_thread(std::uint64_t number) noexcept override { threads_.end(number); }
  HandlerThreads::Moment now() const { return threads_.now(); }
  void sleep_for(std::chrono::nanoseconds duration) override;
  std::stop_token stop_token() override { return threads_.stop_token(); }
  Sender sender() override;
  std::optional<Message> receive(
      std::optional<std::chrono::steady_clock::time_point> deadline, bool in_fragments) override;
  std::optional<Message> try_receive() override;
  void send(Message message, bool end) override;
  void ping(std::string_view body) override;
  void close(Close close) override;
  void close_at(std::chrono::system_clock::time_point when, Close close) override;
  Readiness wait_for(int descriptor, bool writable, detail::TimePoint deadline) override;
  bool wait_until(const std::function<bool()>& done, detail::TimePoint deadline) override;
  void change(const std::function<void()>& change) override;

 private:
  using Lock = std::unique_lock<std::mutex>;

  struct Outgoing {
    Message message;
    bool end;
    bool is_ping = false;
  };

  // What the session is to do for the handler's threads, once it has its turn: in this order.
  struct Errand {
    bool answers_close = false;             // the peer's, to which the handler has come
    std::optional<Close> close;             // the handler's own
    std::optional<std::pair<std::chrono::system_clock::time_point, Close>> close_at;
    std::exception_ptr error;               // of a spawned thread
    std::vector<std::exception_ptr> more_errors;
    bool goodbye_said = false;
    bool message_too_big = false;           // for a receive of a whole one
    bool handler_returned = false;
    std::exception_ptr handler_error;
  };
  void post_errand() noexcept;
  void run() noexcept override;
  void do_errand(Errand& errand) noexcept;
  void answer_close() noexcept;
  void thread_failed(std::exception_ptr error) noexcept;
  void must_not_wait_here(const char* what) const;

  void run_handler() noexcept;
  void run_goodbye() noexcept;
  void deliver_outbox(Lock lock);
  void put_out(Outgoing&& outgoing);
  void write(Message&& message);
  void ask_for_message();
  bool has_message(bool in_fragments) const noexcept;
  [[noreturn]] void refuse_too_big(Lock& lock);
  void choose_close(Lock& lock);
  Message take();
  void require_sendable(const char* what);
  void wait_for_room(Lock& lock, const char* what);
  [[noreturn]] void raise_end() const;
  bool closed() const noexcept { return closed_by_ != std::thread::id(); }
  // Nothing more is to be waited for: by nobody, or not by this thread.
  bool over() const noexcept { return ended_ || returned_ || threads_.is_to_end(); }
  void wake_all();

  Session& session_;
  Sender sender_;
  HandlerThreads threads_;
  LentWire wire_;
  std::atomic<detail::TimePoint> last_write_{detail::TimePoint::min()};
  std::atomic<bool> full_{false};  // changed under mutex_, as the next
  std::atomic<std::size_t> ready_bytes_{0};

  std::mutex mutex_;
  std::condition_variable received_;  // for receive()
  std::condition_variable changed_;   // for all others
  MessageRules rules_;                // GUARDED_BY(mutex_), as all below
  Inbox ready_;
  std::exception_ptr end_reason_;
  std::optional<Close> chosen_close_;
  Errand errand_;
  bool posted_ = false;           // an errand: the session will do it
  bool done_ = false;             // the last one
  std::vector<Outgoing> outbox_;  // not yet with the session
  std::size_t queued_ = 0;        // its bytes
  std::size_t waiting_for_room_ = 0;
  bool receiving_ = false;
  bool asked_ = false;            // for a message that has not come
  bool gathers_ = false;          // all of it, in receive()
  bool receives_ = false;         // the handler is one that receives
  bool close_behind_ = false;     // the peer's Close is behind what is ready
  bool close_offered_ = false;
  bool close_to_choose_ = false;
  std::thread::id closed_by_;     // of the handler's threads; none: it is open
  bool closing_ = false;          // our Close is sent: no more messages
  bool returned_ = false;         // the handler's function has
  bool ended_ = false;            // the session
  bool clean_end_ = false;
  bool end_received_ = false;
};

}  // namespace cppwebsocket::runtime
