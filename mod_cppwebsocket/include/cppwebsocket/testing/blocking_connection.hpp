// A blocking handler's request in a test: the handler's functions run on threads, which are never at work
// while the test is. Part of testing.hpp.
#pragma once

#include <list>
#include <stop_token>
#include <thread>
#include <utility>

#include <cppwebsocket/blocking_request.hpp>
#include <cppwebsocket/testing/connection.hpp>

namespace cppwebsocket::testing::detail {

class BlockingConnection final : public Connection, public BlockingRequest {
 public:
  BlockingConnection(Stage& stage, const HandlerTable& handler, std::string target)
      : Connection(stage, handler, std::move(target)), BlockingRequest(Connection::record) {}
  ~BlockingConnection() override {
    for (Thread& each : threads_)
      if (each.thread.joinable()) each.thread.join();
  }

  void shake_hands() override { handler_.blocking_do_extra_handshake(*this); }
  void start() override {
    has_started = true;
    start_on_thread([this](std::stop_token) { handler_.blocking_transfer_data(*this); }, true);
  }
  void go_away() override {
    if (handler_.blocking_going_away)
      start_on_thread([this](std::stop_token) { handler_.blocking_going_away(*this); }, false);
  }
  Close choose_close() override {
    return passive_close(handler_.blocking_passive_closing_handshake
                             ? std::optional(handler_.blocking_passive_closing_handshake(*this))
                             : std::nullopt);
  }
  void on_incoming() override { stage_.notify(); }
  void end(const char*) override {
    stop_.request_stop();
    for (Thread& each : threads_) each.stop.request_stop();
    stage_.notify();
  }
  std::size_t running_tasks() const override {
    return static_cast<std::size_t>(
        std::count_if(threads_.begin(), threads_.end(), [](const Thread& each) { return !each.has_ended; }));
  }

  // --- threads ---

  std::uint64_t start_thread(std::function<void(std::stop_token)> function, bool) override {
    const auto held = stage_.lock();
    require_open();
    return start_on_thread(std::move(function), false);
  }
  void end_thread(std::uint64_t number) noexcept override {
    auto held = stage_.lock();
    stop_with_children(number);
    Thread& thread = of(number);
    stage_.notify();
    stage_.wait(held, [&] { return thread.has_ended; });
  }
  // Numbers of the next thread; and an end to those that this thread has spawned since.
  std::uint64_t next_thread() const noexcept { return threads_.size() + 1; }
  void end_threads_since(std::uint64_t first) noexcept {
    for (std::uint64_t number = threads_.size(); number >= first; --number)
      if (of(number).parent == current()) end_thread(number);
  }

  // Waits until `test` holds; false at the deadline. Raises if the connection, or this thread, is to end.
  template <typename Test>
  bool wait(Stage::Lock& held, Test test, TimePoint deadline = TimePoint::max()) {
    const auto is_to_end = [this, number = current()] {  // the test's thread asks, too
      return is_over() || main_has_returned || stop_of(number).stop_requested();
    };
    stage_.wait(held, [&] { return test() || is_to_end(); }, deadline);
    if (test()) return true;
    if (!is_to_end()) return false;
    require_open();
    throw ConnectionTerminatedException("the thread is to end");
  }

  void sleep_for(std::chrono::nanoseconds duration) override {
    auto held = stage_.lock();
    wait(held, [] { return false; }, stage_.now() + std::max(duration, std::chrono::nanoseconds(0)));
  }
  std::stop_token stop_token() override { return stop_of(current()).get_token(); }

  // --- messages ---

  Sender sender() override { return Connection::sender(); }
  std::optional<Message> receive(std::optional<TimePoint> deadline, bool in_fragments) override {
    auto held = stage_.lock();
    if (!has_incoming(in_fragments) || has_received_end) require_open();
    if (!wait(held, [this, in_fragments] { return has_incoming(in_fragments); },
              deadline ? stage_.in_own_time(*deadline) : TimePoint::max()))
      throw TimeoutException("nothing was received in time");
    if (auto message = take_incoming(in_fragments)) return message;
    return receive_close();
  }
  std::optional<Message> try_receive() override {
    const auto held = stage_.lock();
    return take_incoming(false);
  }
  void send(Message message, bool is_last) override {
    const auto held = stage_.lock();
    Connection::send(std::move(message), is_last);
  }
  void ping(std::string_view body) override {
    const auto held = stage_.lock();
    Connection::send_ping(body);
  }
  void close(Close close) override {
    const auto held = stage_.lock();
    Connection::close(std::move(close));
  }
  void close_at(std::chrono::system_clock::time_point when, Close close) override {
    const auto held = stage_.lock();
    Connection::close_at(when, std::move(close));
  }
  Readiness wait_for(int descriptor, bool writable, TimePoint deadline) override {
    auto held = stage_.lock();
    require_open();
    const auto wait_until = [&](const auto& is_ready) { return wait(held, is_ready, stage_.in_own_time(deadline)); };
    return stage_.wait_for(descriptor, writable, wait_until) ? Readiness::ready : Readiness::timed_out;
  }
  bool wait_until(const std::function<bool()>& done, TimePoint deadline) override {
    auto held = stage_.lock();
    require_open();
    bool is_done = false;  // who asks again gets the same answer
    return wait(held, [&] { return is_done = is_done || done(); }, stage_.in_own_time(deadline));
  }
  void change(const std::function<void()>& change) override {
    const auto held = stage_.lock();
    change();
    stage_.notify();
  }

 private:
  struct Thread {
    std::uint64_t parent = 0;
    bool has_ended = false;
    std::stop_source stop;
    std::thread thread;
  };

  static std::uint64_t& current() noexcept {
    static thread_local std::uint64_t number = 0;
    return number;
  }
  Thread& of(std::uint64_t number) { return *std::next(threads_.begin(), static_cast<long>(number) - 1); }

  std::stop_source& stop_of(std::uint64_t number) { return number == 0 ? stop_ : of(number).stop; }
  void stop_with_children(std::uint64_t number) {
    of(number).stop.request_stop();
    for (std::uint64_t each = number + 1; each <= threads_.size(); ++each)
      if (of(each).parent == number) stop_with_children(each);
  }

  std::uint64_t start_on_thread(std::function<void(std::stop_token)> function, bool is_main) {
    const auto held = stage_.lock();
    threads_.emplace_back();
    const std::uint64_t number = threads_.size();
    Thread& made = threads_.back();
    made.parent = current();
    stage_.thread_begins();
    made.thread = std::thread([this, number, is_main, &made, function = std::move(function)] {
      current() = number;
      std::exception_ptr error;
      try {
        function(made.stop.get_token());
      } catch (...) {
        error = std::current_exception();
      }
      const auto held_at_end = stage_.lock();
      made.has_ended = true;
      ends(error, is_main);
      stage_.thread_ends();
    });
    return number;
  }

  std::list<Thread> threads_;
  std::stop_source stop_;
};

}  // namespace cppwebsocket::testing::detail
