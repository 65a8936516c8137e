// What goes out, and the queue. What comes in: backplane_catch_up.cpp.
#include "channels/backplane/uplink.hpp"

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
  // Where others gave the channel a history, this is a part of it.
  if (bound.messages == 0 && (store_.position(channel).epoch & engine_epoch))
    bound = store_.bound(channel);
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

PublishResult BackplaneUplink::publish_here(std::string_view channel, Record&& record) {
  record.kind = RecordKind::message;
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
  record.kind = RecordKind::numbered;
  Queued queued{std::string(channel), std::move(record), provisional};
  if (queued_bytes_ + queued.size() > limits_.queued_bytes && provisional)
    return lose(std::move(queued));
  losing_.erase(queued.channel);
  push(std::move(queued));
}

// The `lost` records of many channels have as much room as the messages.
void BackplaneUplink::lose(Queued&& queued) {
  ++counters_.lost;
  if (std::exchange(overflow_logged_, true))
    ++overflowed_;
  else
    log_(Severity::error,
         "CWS0041: " + std::to_string(queue_.size()) +
             " messages wait for the backplane, and there is no room for more: what is published "
             "in this child now does not reach other machines");
  queued.record.kind = RecordKind::lost;
  queued.record.message = {};
  if (queued_bytes_ + queued.size() > 2 * limits_.queued_bytes ||
      !losing_.insert(queued.channel).second)
    return;
  push(std::move(queued));
}

void BackplaneUplink::push(Queued&& queued) {
  queued_bytes_ += queued.size();
  queue_.push_back(std::move(queued));
  counters_.queued = queue_.size();
}

void BackplaneUplink::pump() {
  while (up_ && in_flight_ < queue_.size() && in_flight_ < limits_.in_flight) {
    const Queued& next = queue_[in_flight_++];
    if (next.record.kind == RecordKind::lost) losing_.erase(next.channel);
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

void BackplaneUplink::deliver_early(Queued& queued) {
  queued.provisional = true;
  queued.record.kind = RecordKind::provisional;
  store_.publish(queued.channel, queued.record);
  queued.record.kind = RecordKind::numbered;
}

// Comes before anything newer of this child is delivered early: whoever has got that takes what is
// older for known. Under mutex_.
void BackplaneUplink::deliver_answered() {
  forget_seen();
  for (Queued& each : answered_) deliver_early(each);
  answered_.clear();
  answered_bytes_ = 0;
}

// Gives the members here what they would get later, and only once, from the backplane. Under mutex_.
void BackplaneUplink::deliver_queued() {
  deliver_answered();
  auto first = queue_.end();
  while (first != queue_.begin() && !std::prev(first)->provisional) --first;
  for (; first != queue_.end(); ++first) deliver_early(*first);
}

// Nobody in this httpd may have the channel in use, and then none of its records comes. Under mutex_.
void BackplaneUplink::forget_seen() {
  while (!answered_.empty()) {
    const Queued& first = answered_.front();
    const Position newest = store_.position(first.channel);
    const bool has_come = newest.epoch == first.record.position.epoch &&
                          newest.offset >= first.record.position.offset;
    if (!has_come && answered_bytes_ <= limits_.answered_bytes) return;
    answered_bytes_ -= first.size();
    answered_.pop_front();
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

void BackplaneUplink::appended(std::optional<Position> at) {
  std::lock_guard lock(mutex_);
  if (in_flight_ == 0) return;
  Queued first = std::move(queue_.front());
  queue_.pop_front();
  --in_flight_;
  queued_bytes_ -= first.size();
  counters_.queued = queue_.size();
  if (first.record.kind != RecordKind::lost) ++(at ? counters_.sent : counters_.lost);
  if (!first.provisional) {
    if (at) {
      first.record.position = *at;
      answered_bytes_ += first.size();
      answered_.push_back(std::move(first));
      forget_seen();
    } else {
      deliver_answered();
      deliver_early(first);
    }
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
