// What waits for a membership's receive(), in the order in which it came. Bounded in bytes.
// Thread: any: a blocking handler takes what the reactor puts.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>

#include <cppwebsocket/detail/channel_service.hpp>

namespace cppwebsocket::channels {

inline constexpr char left_text[] = "the channel was left";

class ReceiveQueue {
 public:
  static constexpr std::size_t unlimited = static_cast<std::size_t>(-1);

  // Thread: the reactor's.
  // False: it would be more than `limit` bytes, and one alone is never too many.
  bool put(Publication&& publication, std::size_t limit);
  // Makes room for `needed` bytes, and a gap in front. Returns how many messages went.
  std::size_t drop_oldest(std::size_t needed, std::size_t limit);
  void lose(const Position& last);  // a gap, at the end
  // Has `tell` called once no more than `bytes` wait: now, or by whoever takes. Not once it has ended.
  void when_room(std::size_t bytes, std::function<void()> tell);

  // Thread: any.
  // No more comes. Of several calls the first counts. Without a reason the channel was left, and what
  // waits goes.
  void end(std::exception_ptr reason, bool clean);
  std::optional<Publication> take();
  // Waits. Empty at a clean end, and once the channel was left. Raises TimeoutException, the end's
  // reason, BadOperationException, and ConnectionTerminatedException once `stop` is requested.
  std::optional<Publication> wait(std::optional<detail::TimePoint> deadline, std::stop_token stop);
  bool would_wait();  // at this moment

  detail::PublicationOperation* receiver = nullptr;  // a coroutine's. Thread: the reactor's

 private:
  std::optional<Publication> take_locked();
  // To be called without the lock.
  std::function<void()> room_to_tell_locked();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Publication> waiting_;  // GUARDED_BY(mutex_), as all below
  std::size_t bytes_ = 0;
  std::optional<Position> gap_before_first_;
  std::function<void()> tell_room_;
  std::size_t room_at_ = 0;
  std::exception_ptr end_reason_;
  bool ended_ = false;
  bool clean_end_ = false;
  bool taking_ = false;
};

}  // namespace cppwebsocket::channels
