// What goes out, and the queue. What comes in: backplane_catch_up.cpp.
#include "channels/backplane_uplink.hpp"

#include <chrono>
#include <iterator>
#include <utility>

namespace cppwebsocket::channels {

namespace {

std::int64_t now_ms() noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

PublishResult result_of(const Stored& stored) noexcept {
  switch (stored.result) {
    case StoreResult::too_large: return {PublishStatus::too_large, {}};
    case StoreResult::no_room: return {PublishStatus::no_room, {}};
    case StoreResult::stored:
    case StoreResult::already_there: break;
  }
  return {PublishStatus::accepted, stored.position};
}

}  // namespace

BackplaneUplink::BackplaneUplink(ChannelStore& store, std::unique_ptr<Backplane> backplane,
                                 Control control,
                                 std::function<void(Severity, const std::string&)> log,
                                 UplinkLimits limits)
    : store_(store),
      control_(std::move(control)),
      log_(std::move(log)),
      limits_(limits),
      counters_(store.child_counters()),
      backplane_(std::move(backplane)) {
  counters_.used = 1;
  backplane_->start(*this);
}

BackplaneUplink::~BackplaneUplink() = default;

PublishResult BackplaneUplink::publish(std::string_view channel, HistoryBound bound,
                                       Message&& message) {
  Record record{};
  record.message = std::move(message);
  record.origin = store_.origin();
  record.time_ms = now_ms();
  if (bound.messages == 0 || !backplane_->keeps_history())
    return publish_here(channel, std::move(record));

  record.bound = bound;
  if (record.message.size() > store_.largest_payload()) return {PublishStatus::too_large, {}};
  std::lock_guard lock(mutex_);
  record.sequence = ++sequence_;
  const bool is_full = queued_bytes_ > limits_.queued_bytes;
  if (up_ && is_full) deliver_queued();  // the members here shall not wait for a slow server
  if (!up_ || is_full) {
    record.kind = RecordKind::provisional;
    const PublishResult result = result_of(store_.publish(channel, record));
    if (!result) return result;
    enqueue(channel, std::move(record), true);
    return result;
  }
  enqueue(channel, std::move(record), false);
  pump();
  return {};
}

// In a channel that other publishers give a history, the engine alone gives numbers.
PublishResult BackplaneUplink::publish_here(std::string_view channel, Record&& record) {
  record.kind = RecordKind::message;
  std::unique_lock lock(mutex_, std::defer_lock);
  if (store_.position(channel).epoch & engine_epoch) {
    record.kind = RecordKind::provisional;
    lock.lock();
    record.sequence = ++sequence_;
  }
  const PublishResult result = result_of(store_.publish(channel, record));
  if (!result) return result;
  record.kind = RecordKind::loose;
  ++(counters_.up != 0 ? counters_.sent : counters_.lost);
  backplane_->publish(channel, record);
  return result;
}

void BackplaneUplink::control(std::string_view channel, const Message& message) {
  Record record{};
  record.kind = RecordKind::control;
  record.message = message;
  record.origin = store_.origin();
  record.time_ms = now_ms();
  backplane_->publish(channel, record);
}

void BackplaneUplink::enqueue(std::string_view channel, Record&& record, bool provisional) {
  const std::size_t size = record.message.size() + channel.size() + sizeof(Queued);
  if (queued_bytes_ + size > limits_.queued_bytes && provisional) {
    ++counters_.lost;
    if (std::exchange(overflow_logged_, true)) {
      ++overflowed_;
      return;
    }
    log_(Severity::error,
         "CWS0041: " + std::to_string(queue_.size()) +
             " messages wait for the backplane, and there is no room for more: what is published "
             "in this child now does not reach other machines");
    return;
  }
  queued_bytes_ += size;
  record.kind = RecordKind::numbered;
  queue_.push_back({std::string(channel), std::move(record), provisional});
  counters_.queued = queue_.size();
}

void BackplaneUplink::pump() {
  while (up_ && in_flight_ < queue_.size() && in_flight_ < limits_.in_flight) {
    const Queued& next = queue_[in_flight_++];
    backplane_->append(next.channel, next.record);
  }
}

void BackplaneUplink::link_up() {
  {
    std::lock_guard lock(channels_mutex_);
    ++links_;
  }
  std::lock_guard lock(mutex_);
  up_ = true;
  counters_.up = 1;
  pump();
}

// Gives the members here what they would get later, and only once, from the backplane. Under mutex_.
void BackplaneUplink::deliver_queued() {
  auto first = queue_.end();
  while (first != queue_.begin() && !std::prev(first)->provisional) --first;
  for (; first != queue_.end(); ++first) {
    first->provisional = true;
    first->record.kind = RecordKind::provisional;
    store_.publish(first->channel, first->record);
    first->record.kind = RecordKind::numbered;
  }
}

// What has no answer may have been stored or not, and is given again later; until then the members
// here shall not wait for it.
void BackplaneUplink::link_down() {
  {
    std::lock_guard lock(mutex_);
    up_ = false;
    counters_.up = 0;
    ++counters_.times_down;
    in_flight_ = 0;
    deliver_queued();
  }
  std::vector<std::function<void()>> waiting;
  {
    std::lock_guard lock(channels_mutex_);
    ++links_;
    for (auto& [name, channel] : channels_) {
      channel.current = channel.held_too_many = false;
      channel.held.clear();
      for (auto& each : channel.waiting) waiting.push_back(std::move(each));
      channel.waiting.clear();
    }
  }
  for (auto& each : waiting) each();
}

void BackplaneUplink::appended(Appended how) {
  std::lock_guard lock(mutex_);
  if (in_flight_ == 0) return;
  Queued first = std::move(queue_.front());
  queue_.pop_front();
  --in_flight_;
  queued_bytes_ -= first.record.message.size() + first.channel.size() + sizeof(Queued);
  counters_.queued = queue_.size();
  if (how == Appended::stored) {
    ++counters_.sent;
  } else {
    ++counters_.lost;
    first.record.kind = RecordKind::provisional;
    if (!first.provisional) store_.publish(first.channel, first.record);
  }
  if (overflow_logged_ && queued_bytes_ <= limits_.queued_bytes / 2) {
    overflow_logged_ = false;
    log_(Severity::warning, "CWS0041: " + std::to_string(std::exchange(overflowed_, 0) + 1) +
                                " messages have not reached other machines: there was no room "
                                "for them");
  }
  pump();
}

}  // namespace cppwebsocket::channels
