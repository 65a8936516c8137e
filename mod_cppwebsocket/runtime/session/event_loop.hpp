// What a session needs of the thread that it lives on. The reactor is one; the tests have another
// with a clock of their own.
// Thread: owner, but for post() and pools.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <cppwebsocket/close.hpp>
#include <cppwebsocket/detail/operations.hpp>

#include "protocol/frames/deflate.hpp"
#include "protocol/frames/output.hpp"
#include "protocol/frames/spare_payloads.hpp"
#include "runtime/counters/sheet.hpp"
#include "runtime/counters/tally.hpp"
#include "runtime/loop/descriptor_watcher.hpp"
#include "runtime/loop/posted.hpp"
#include "runtime/session/pins.hpp"
#include "runtime/watch/watched_loop.hpp"

namespace cppwebsocket::runtime {

class BlockingPool;
class Session;
class SessionOwner;

// What reports say of a session. Async-signal-safe, on the thread that runs it.
Subject describe_session(const void* connection) noexcept;

struct Interest {
  bool readable : 1 = false;
  bool writable : 1 = false;
  friend bool operator==(const Interest&, const Interest&) = default;
};

class EventLoop {
 public:
  // Runs what is posted on the loop's thread, soon, in the order of the calls. The first stays where it
  // is until then, takes no memory, and never fails. Thread: any.
  virtual void post(Posted& posted) noexcept = 0;
  void post(std::function<void()> function) { post(*new PostedFunction(std::move(function))); }
  // Whether this is the loop's thread, which must not wait for anything. Thread: any.
  virtual bool runs_here() const noexcept = 0;

  // The time at which this turn of the loop began.
  detail::TimePoint now() const noexcept { return now_; }

  // The time that it really is.
  virtual detail::TimePoint clock() const noexcept { return std::chrono::steady_clock::now(); }

  // A turn of a session begins, and it has had its share when the others' turn has come: by the work
  // that it has done, or by the clock. Looking at that is for every so many messages, not for each one.
  void begin_turn() noexcept {
    deflate_workspace_.share().begin_turn();
    turn_watched_from_ = unwatched;
  }
  bool turn_is_over() const noexcept {
    return turn_watched_from_ == over || deflate_workspace_.share().used_up();
  }
  bool watch_turn() noexcept {  // looks at the clock; true: it is over
    if (turn_is_over()) return true;
    const detail::TimePoint time = clock();
    if (turn_watched_from_ == unwatched)
      turn_watched_from_ = time;
    else if (time - turn_watched_from_ >= longest_turn)
      turn_watched_from_ = over;
    return turn_is_over();
  }
  static constexpr std::chrono::milliseconds longest_turn{5};  // from the first look on

  // Fires `timer` once at `deadline`; arming an armed timer moves it. What has come already is the
  // next round.
  virtual void arm(detail::TimerNode& timer, detail::TimePoint deadline) = 0;
  virtual void disarm(detail::TimerNode& timer) noexcept = 0;

  // What to watch the session's descriptor for; `is_new`: it is not watched yet. No interest at all:
  // hang-ups are still told.
  virtual void watch(Session& session, Interest interest, bool is_new) = 0;
  // Called before the descriptor is closed.
  virtual void unwatch(Session& session) noexcept = 0;

  // Tells `watcher` what happens on `descriptor`, which is no session's; again: another interest. To be
  // unwatched before either goes. Raises system_error.
  virtual void watch(int descriptor, DescriptorWatcher& watcher, Interest interest) = 0;
  virtual void unwatch(int descriptor, DescriptorWatcher& watcher) noexcept = 0;

  // The session is over: destroy it once nothing of it is on the stack.
  virtual void finished(Session& session) noexcept = 0;

  // What the watchdog sees of this loop. Thread: see there.
  WatchedLoop& watched() noexcept { return watched_; }

  // Scratch memory that sessions share, because only one of them runs at a time: an idle
  // connection has no buffers.
  std::span<char> receive_buffer() noexcept { return receive_buffer_; }
  protocol::Output& spare_output() noexcept { return spare_output_; }
  protocol::SparePayloads& spare_payloads() noexcept { return spare_payloads_; }
  protocol::DeflateWorkspace& deflate_workspace() noexcept { return deflate_workspace_; }

  // The sessions that pin much memory.
  Pins& pins() noexcept { return pins_; }

  // Who counts the sessions; null: nobody. To be set before there are any.
  SessionOwner* owner() const noexcept { return owner_; }
  void set_owner(SessionOwner* owner) noexcept { owner_ = owner; }

  // What is counted on this thread. Never null.
  Column& counters() noexcept { return *counters_; }
  HandlerCounters& counters(std::size_t slot) noexcept { return counters_->handlers[slot]; }

  // Of the session whose turn it is.
  Traffic& turn_traffic() noexcept { return turn_traffic_; }

  // What the Closes say that go out because the child stops.
  virtual CloseCode leaving_code() const noexcept { return close_code::going_away; }

  virtual BlockingPool& call_pool() noexcept = 0;        // run_blocking
  virtual BlockingPool& connection_pool() noexcept = 0;  // blocking handlers

 protected:
  ~EventLoop() = default;

  // `column` outlives the loop; null: counters of its own. Before there are sessions.
  void count_in(Column* column) noexcept {
    if (!column) return;
    counters_ = column;
    own_counters_.reset();
  }

  detail::TimePoint now_ = std::chrono::steady_clock::now();

 private:
  static constexpr detail::TimePoint unwatched{};
  static constexpr detail::TimePoint over = detail::TimePoint::max();

  WatchedLoop watched_{describe_session};
  detail::TimePoint turn_watched_from_{};
  Traffic turn_traffic_;
  std::unique_ptr<Column> own_counters_ = std::make_unique<Column>();
  Column* counters_ = own_counters_.get();
  SessionOwner* owner_ = nullptr;
  std::vector<char> receive_buffer_ = std::vector<char>(64 << 10);
  protocol::Output spare_output_;
  protocol::SparePayloads spare_payloads_;
  protocol::DeflateWorkspace deflate_workspace_;
  Pins pins_;
};

}  // namespace cppwebsocket::runtime
