// What goes out, and the queue. What becomes of it: answers.cpp. What comes in: catch_up.cpp.
#include "channels/backplane/uplink.hpp"

#include <chrono>
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
      window_(limits.in_flight),
      backplane_(std::move(backplane)) {
  counters_.used = 1;
  backplane_->start(*this);
}

BackplaneUplink::~BackplaneUplink() = default;

std::int64_t BackplaneUplink::steady_ms() noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

PublishResult BackplaneUplink::publish(std::string_view channel, HistoryBound bound,
                                       Message&& message, std::string_view remarks) {
  Record record{};
  record.message = std::move(message);
  record.remarks = remarks;
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
  const bool can_append = up_ && takes_;
  if (can_append && is_full) deliver_queued();  // the members here shall not wait for a slow server
  if (!can_append || is_full) {
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
  if (counters_.up != 0 && backplane_->publish(channel, record)) {
    ++counters_.sent;
    return result;
  }
  ++counters_.lost;
  std::lock_guard lock(mutex_);
  owe(channel);
  if (up_) send_owed();
  return result;
}

// Whoever has members in `channel` elsewhere is to be told that they miss something. Under mutex_.
void BackplaneUplink::owe(std::string_view channel) {
  const auto [owed, is_new] = owed_.try_emplace(std::string(channel));
  owed->second = steady_ms();
  if (is_new && owed_.size() > limits_.owed) owed_.erase(owed_.begin());
}

// Under mutex_.
void BackplaneUplink::send_owed() {
  Record record{};
  record.kind = RecordKind::missed;
  record.origin = store_.origin();
  std::erase_if(owed_, [&](const auto& owed) {
    record.time_ms = steady_ms() - owed.second;
    return backplane_->publish(owed.first, record);
  });
}

// One that tells of a loss was not counted: that is told another time.
void BackplaneUplink::not_sent(std::string_view channel, RecordKind kind) {
  if (kind == RecordKind::loose) {
    --counters_.sent;
    ++counters_.lost;
  }
  std::lock_guard lock(mutex_);
  owe(channel);
}

void BackplaneUplink::works() {
  std::lock_guard lock(mutex_);
  if (up_) send_owed();
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
  queued.record.remarks.clear();
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
  while (up_ && takes_ && in_flight_ < queue_.size() && in_flight_ < window_) {
    const Queued& next = queue_[in_flight_++];
    if (next.record.kind == RecordKind::lost) losing_.erase(next.channel);
    backplane_->append(next.channel, next.record);
  }
}

}  // namespace cppwebsocket::channels
