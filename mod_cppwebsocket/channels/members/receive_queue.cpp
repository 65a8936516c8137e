#include "channels/members/receive_queue.hpp"

#include <utility>

#include "channels/members/shared_batch.hpp"

namespace cppwebsocket::channels {

bool ReceiveQueue::put(Publication&& publication, std::size_t limit) {
  const std::size_t size = publication.message.size();
  std::lock_guard lock(mutex_);
  if (ended_) return true;
  if (!waiting_.empty() && (bytes_ > limit || size > limit - bytes_)) return false;
  bytes_ += size;
  waiting_.push_back(std::move(publication));
  changed_.notify_all();
  return true;
}

std::size_t ReceiveQueue::drop_oldest(std::size_t needed, std::size_t limit) {
  std::size_t dropped = 0;
  std::lock_guard lock(mutex_);
  while (!waiting_.empty() && (bytes_ > limit || needed > limit - bytes_)) {
    const Publication& oldest = waiting_.front();
    if (oldest.kind == Publication::Kind::message) ++dropped;
    bytes_ -= oldest.message.size();
    if (oldest.position.offset != 0) gap_before_first_ = oldest.position;
    if (!gap_before_first_) gap_before_first_.emplace();
    waiting_.pop_front();
  }
  return dropped;
}

void ReceiveQueue::lose(const Position& last) {
  std::lock_guard lock(mutex_);
  if (ended_) return;
  if (!waiting_.empty() && waiting_.back().kind == Publication::Kind::gap)
    waiting_.back().position = last;
  else
    waiting_.push_back(gap_until(last));
  changed_.notify_all();
}

void ReceiveQueue::when_room(std::size_t bytes, std::function<void()> tell) {
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    if (bytes_ > bytes) {
      tell_room_ = std::move(tell);
      room_at_ = bytes;
      return;
    }
  }
  tell();
}

std::function<void()> ReceiveQueue::room_to_tell_locked() {
  if (!tell_room_ || bytes_ > room_at_) return {};
  return std::exchange(tell_room_, {});
}

void ReceiveQueue::end(std::exception_ptr reason, bool clean) {
  std::lock_guard lock(mutex_);
  if (std::exchange(ended_, true)) return;
  tell_room_ = {};
  if (!reason) {
    waiting_.clear();
    bytes_ = 0;
    gap_before_first_.reset();
  }
  end_reason_ = std::move(reason);
  clean_end_ = clean || !end_reason_;
  changed_.notify_all();
}

std::optional<Publication> ReceiveQueue::take_locked() {
  if (gap_before_first_) return gap_until(*std::exchange(gap_before_first_, std::nullopt));
  if (waiting_.empty()) return std::nullopt;
  Publication first = std::move(waiting_.front());
  waiting_.pop_front();
  bytes_ -= first.message.size();
  return first;
}

std::optional<Publication> ReceiveQueue::take() {
  std::unique_lock lock(mutex_);
  auto taken = take_locked();
  const auto tell = room_to_tell_locked();
  lock.unlock();
  if (tell) tell();
  return taken;
}

bool ReceiveQueue::would_wait() {
  std::lock_guard lock(mutex_);
  return waiting_.empty() && !gap_before_first_ && !ended_;
}

std::optional<Publication> ReceiveQueue::wait(std::optional<detail::TimePoint> deadline,
                                              std::stop_token stop) {
  const std::stop_callback wake(stop, [this] {
    std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  if (ended_ && !end_reason_) return std::nullopt;  // left, and another may still be about to hear of it
  if (taking_) throw BadOperationException("a receive is already waiting");
  taking_ = true;
  const auto something = [&] {
    return !waiting_.empty() || gap_before_first_ || ended_ || stop.stop_requested();
  };
  bool in_time = true;
  if (deadline)
    in_time = changed_.wait_until(lock, *deadline, something);
  else
    changed_.wait(lock, something);
  taking_ = false;
  if (stop.stop_requested()) throw ConnectionTerminatedException("this thread is to end");
  if (!in_time) throw TimeoutException("nothing received in time");
  if (auto publication = take_locked()) {
    const auto tell = room_to_tell_locked();
    lock.unlock();
    if (tell) tell();
    return publication;
  }
  if (clean_end_) return std::nullopt;
  std::rethrow_exception(end_reason_);
}

}  // namespace cppwebsocket::channels
