// Connections whose right to be where they are is asked about again and again (WebSocketAuthCheck). Where the same
// would be asked about several, they are one matter: it is asked once for all of them, each time somewhat earlier than
// its interval says, so that matters which have begun together do not stay together. Who answers takes as
// long as he likes: on threads of a pool of his own, which has few.
#pragma once

#include <cppwebsocket/close.hpp>
#include <cppwebsocket/detail/judge.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>

#include "runtime/loop/blocking_pool.hpp"
#include "runtime/session/event_loop.hpp"

namespace cppwebsocket::runtime {

class Connection;
class Recheck;

struct RecheckRule {
  std::chrono::milliseconds interval{0};
  CloseCode code = close_code::policy_violation;
  std::chrono::milliseconds longest_unknown{0};  // then it counts as a no; 0: it never does
};

// What is told of an answer.
struct Verdict {
  Allowed answer;
  std::size_t connections;  // that it is about
  CloseCode closed_with;    // 0: they stay
};

// What is asked about.
class Matter {
 public:
  virtual ~Matter() = default;
  // What it raises counts as unknown. Thread: of the pool, one at a time.
  virtual Allowed ask() = 0;
  // Behind each answer that is no yes. Thread: the loop's.
  virtual void tell(const Verdict& verdict) noexcept = 0;
};

// Thread: any, but for what is marked.
class Rechecks {
 public:
  explicit Rechecks(BlockingPool& questions);
  Rechecks(const Rechecks&) = delete;
  Rechecks& operator=(const Rechecks&) = delete;

  // `loop` keeps the time. `hold` is called for each connection, and `release` when it is gone: meanwhile the loop
  // must not end; where `hold` says that it has, nothing is asked. Once, before there are any.
  void start(EventLoop& loop, std::function<bool()> hold, std::function<void()> release);
  // Asks nothing more, and waits for what is being asked, at most so long; false if it still is. To be called before the
  // loop goes. Only polls: prefork calls it inside a signal handler.
  bool stop(std::chrono::milliseconds most) noexcept;

  // For a connection that is about to open. `make` is called unless the matter `key` is known. Raises bad_alloc.
  std::unique_ptr<Recheck> add(std::string key, const RecheckRule& rule,
                               const std::function<std::shared_ptr<Matter>()>& make);

  std::size_t matters() const;
  std::size_t asking() const noexcept { return asking_; }  // questions that are asked, or wait for a thread

 private:
  friend class Recheck;
  using Lock = std::unique_lock<std::mutex>;
  struct Topic;
  struct Member;
  void begin(Member& member, Connection& connection);
  void end(Member& member) noexcept;
  void post(Topic& topic) noexcept;
  void go_on(Topic& topic) noexcept;
  void ask(Topic& topic) noexcept;
  void answer(Topic& topic) noexcept;
  void answered(Topic& topic, std::optional<Allowed> said) noexcept;
  Verdict judge(Topic& topic);
  void arm(Topic& topic);

  BlockingPool& questions_;
  EventLoop* loop_ = nullptr;
  std::function<bool()> hold_;
  std::function<void()> release_;

  std::atomic<std::size_t> asking_{0};  // or about to
  std::atomic<bool> stopped_{false};

  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Topic>> topics_;  // GUARDED_BY(mutex_), as below
  std::minstd_rand random_;
};

// One connection's. Thread: the connection's; before begin(), any.
class Recheck {
 public:
  Recheck(Rechecks& all, std::shared_ptr<Rechecks::Member> member) noexcept
      : all_(all), member_(std::move(member)) {}
  ~Recheck();
  Recheck(const Recheck&) = delete;
  Recheck& operator=(const Recheck&) = delete;

  // The connection is open; this goes before it does.
  void begin(Connection& connection);

 private:
  Rechecks& all_;
  const std::shared_ptr<Rechecks::Member> member_;
};

}  // namespace cppwebsocket::runtime
