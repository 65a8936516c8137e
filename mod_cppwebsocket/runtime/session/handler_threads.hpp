// The threads of one blocking handler: its own, and those that it has spawned. Whoever has something
// that a spawned thread may refer to ends that thread before it goes. A thread ends only such as
// came from it, so that no two ever wait for each other.
// Thread: any of them, but for what is marked.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

namespace cppwebsocket::runtime {

class HandlerThreads {
 public:
  // Between two spawns of a handler.
  struct Moment {
    std::uint64_t handler = 0;
    std::uint64_t last_spawned = 0;
  };
  enum class Bound : bool {
    connection,  // it ends with the connection, or with what it may refer to
    scope,       // it ends where its spawner says so
  };

  // `wake` has all threads look again whether they are to end.
  explicit HandlerThreads(std::function<void()> wake);
  HandlerThreads(const HandlerThreads&) = delete;
  HandlerThreads& operator=(const HandlerThreads&) = delete;

  // Runs the handler's function on the calling thread.
  void run_main(const std::function<void()>& function);

  // Counts a thread from now on, until the returned function, which is for it to run, has run or is
  // destroyed. `body` raises nothing. Raises ConnectionTerminatedException if the caller is to end.
  std::function<void()> add(std::function<void(std::stop_token)> body, Bound bound,
                            std::uint64_t* number = nullptr);
  void wait_for_all();

  // Ends a thread that the calling one has spawned, and what came of it: their stop_token is requested,
  // what they wait for raises, and they have ended when this returns.
  void end(std::uint64_t number) noexcept;
  // The same for all that were spawned since `moment` and are bound to no scope, if the caller is one of
  // that handler's.
  static void end_since(const Moment& moment) noexcept;

  // The calling thread is one of these, and is to end before its connection does.
  bool is_to_end() const noexcept;
  // Requested when it is; of a thread of no handler, never.
  static std::stop_token end_token();

  Moment now() const;
  // The calling thread's if it was spawned, else the connection's. Thread: any.
  std::stop_token stop_token() const;
  // The connection begins to end. Thread: any.
  void request_stop() noexcept { stop_.request_stop(); }

 private:
  struct Thread {
    HandlerThreads* all;
    bool spawned = true;       // not the handler's own
    std::stop_source end;      // before its connection does
    std::stop_source stop;     // for any reason
    Thread* parent = nullptr;  // GUARDED_BY(mutex_), as below
    std::uint64_t number = 0;  // in the order of their spawning
    Bound bound = Bound::connection;
  };
  class Counted;

  void remove(Thread& thread) noexcept;
  // What `ancestor` has spawned and `thread` came of, perhaps `thread` itself; or null.
  static const Thread* child_of(const Thread* ancestor, const Thread& thread) noexcept;
  template <typename Predicate>
  void end_all(Predicate picks) noexcept;
  // Null if the calling thread is none of these.
  Thread* own_thread() const noexcept { return here_ && here_->all == this ? here_ : nullptr; }

  static constinit thread_local Thread* here_;

  const std::uint64_t handler_;
  const std::function<void()> wake_;
  std::stop_source stop_;
  std::atomic<bool> any_to_end_{false};  // has ever been
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::vector<Thread*> threads_;  // GUARDED_BY(mutex_), as below; without the handler's own
  std::uint64_t last_number_ = 0;
};

}  // namespace cppwebsocket::runtime
