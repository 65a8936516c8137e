// What becomes of what was given to the engine: it is numbered, refused, not taken for now, or its
// answer never comes because the link has broken.
#include <iterator>
#include <utility>

#include "channels/backplane/uplink.hpp"

namespace cppwebsocket::channels {

namespace {

// A message of so many bytes that has ended so many links is the reason.
constexpr std::size_t suspicious_size = 64 << 10;
constexpr unsigned suspicious_breaks = 3;
constexpr std::int64_t longest_way_ms = 10'000;  // of what has a number, from the engine to here

}  // namespace

void BackplaneUplink::link_up() {
  std::set<std::string> numbering;
  {
    std::lock_guard lock(mutex_);
    for (const Queued& each : queue_) numbering.insert(each.channel);
  }
  {
    std::lock_guard lock(channels_mutex_);
    ++links_;
    has_link_ = true;
    numbering_.swap(numbering);
  }
  std::lock_guard lock(mutex_);
  up_ = takes_ = true;
  counters_.up = 1;
  send_owed();
  pump();
}

// All that is with the backplane goes there again, the first of it alone.
void BackplaneUplink::hold_appends() {
  std::lock_guard lock(mutex_);
  takes_ = false;
  in_flight_ = 0;
  window_ = 1;
  deliver_queued();
}

void BackplaneUplink::take_appends() {
  std::lock_guard lock(mutex_);
  takes_ = true;
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
  for (Queued& each : answered_)
    if (!has_come(each)) deliver_early(each);
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

bool BackplaneUplink::has_come(const Queued& answered) const {
  const Position newest = store_.position(answered.channel);
  return newest.epoch == answered.record.position.epoch &&
         newest.offset >= answered.record.position.offset;
}

// Nobody in this httpd may have the channel in use, and then none of its records comes. Under mutex_.
void BackplaneUplink::forget_seen() {
  while (!answered_.empty()) {
    const Queued& first = answered_.front();
    const bool may_come = first.since_ms + longest_way_ms > steady_ms();
    if (may_come && !has_come(first) && answered_bytes_ <= limits_.answered_bytes) return;
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
    give_up_what_breaks_links();
    in_flight_ = 0;
    deliver_queued();
  }
  std::vector<std::function<void()>> waiting;
  {
    std::lock_guard lock(channels_mutex_);
    ++links_;
    has_link_ = false;
    for (auto& [name, channel] : channels_) {
      channel.cut_off = true;
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
  if (!at) return refuse_first();
  window_ = limits_.in_flight;
  Queued first = std::move(queue_.front());
  queue_.pop_front();
  --in_flight_;
  queued_bytes_ -= first.size();
  counters_.queued = queue_.size();
  if (first.record.kind != RecordKind::lost) ++counters_.sent;
  if (!first.provisional && at->offset != 0) {
    first.record.position = *at;
    first.since_ms = steady_ms();
    answered_bytes_ += first.size();
    answered_.push_back(std::move(first));
    forget_seen();
  }
  if (overflow_logged_ && queued_bytes_ <= limits_.queued_bytes / 2) {
    overflow_logged_ = false;
    log_(Severity::warning, "CWS0041: " + std::to_string(std::exchange(overflowed_, 0) + 1) +
                                " messages have not reached other machines: there was no room "
                                "for them");
  }
  pump();
}

// The engine will never have the message. A loss takes its place and its number, where that can be.
// Under mutex_, as all below.
void BackplaneUplink::refuse_first() {
  takes_ = false;
  in_flight_ = 0;
  Queued& first = queue_.front();
  if (!first.provisional) {
    deliver_answered();
    deliver_early(first);
  }
  if (first.record.kind != RecordKind::lost) return make_lost(first);
  queued_bytes_ -= first.size();
  queue_.pop_front();
  counters_.queued = queue_.size();
}

void BackplaneUplink::make_lost(Queued& queued) {
  ++counters_.lost;
  queued_bytes_ -= queued.record.message.size();
  queued.record.kind = RecordKind::lost;
  queued.record.message = {};
  queued.record.remarks.clear();
}

// An engine may end the link because of a message, and say nothing.
void BackplaneUplink::give_up_what_breaks_links() {
  if (in_flight_ == 0 || queue_.front().record.message.size() < suspicious_size) return;
  Queued& first = queue_.front();
  window_ = 1;
  if (++first.breaks < suspicious_breaks) return;
  log_(Severity::error, "CWS0042: a message of " + std::to_string(first.record.message.size()) +
                            " bytes for the channel " + first.channel +
                            " has ended the link to the backplane three times, and is given up. The "
                            "backplane's limits may be below WebSocketMaxMessageSize");
  if (!first.provisional) {
    deliver_answered();
    deliver_early(first);
  }
  make_lost(first);
}

}  // namespace cppwebsocket::channels
