// How a channel's records come from the backplane into shared memory, without a gap: when a channel
// is subscribed, and again whenever a number is missing, what the backplane keeps is read first.
#include <algorithm>
#include <utility>

#include "channels/backplane/uplink.hpp"

namespace cppwebsocket::channels {

namespace {

// {.., 0} is a channel without records.
std::optional<Position> known(Position position) {
  return position.offset == 0 ? std::nullopt : std::optional(position);
}

}  // namespace

void BackplaneUplink::in_use(std::string_view channel, bool used) {
  std::lock_guard lock(channels_mutex_);
  if (used) {
    channels_.try_emplace(std::string(channel)).first->second.cut_off = !has_link_;
    backplane_->subscribe(channel);
  } else {
    channels_.erase(std::string(channel));
    backplane_->unsubscribe(channel);
  }
}

void BackplaneUplink::subscribed(std::string_view channel) {
  std::vector<std::function<void()>> waiting;
  {
    std::lock_guard lock(channels_mutex_);
    const auto here = channels_.find(std::string(channel));
    if (here == channels_.end()) return;
    here->second.whole_ms = steady_ms();
    here->second.current = !backplane_->keeps_history();  // with nothing to be read, it is
    if (here->second.current) {
      if (std::exchange(here->second.cut_off, false)) tell_missed(here->first);
      waiting.swap(here->second.waiting);
    } else
      read_missing(here->first, known(store_.position(channel)));
  }
  for (auto& each : waiting) each();
}

bool BackplaneUplink::when_current(std::string_view channel, std::function<void()> done) {
  if (counters_.up == 0) return false;
  std::lock_guard lock(channels_mutex_);
  const auto here = channels_.find(std::string(channel));
  if (here == channels_.end() || here->second.current) return false;
  here->second.waiting.push_back(std::move(done));
  return true;
}

void BackplaneUplink::received(std::string_view channel, Record&& record) {
  ++counters_.received;
  if (record.kind == RecordKind::control) return control_(channel, record);
  std::lock_guard lock(channels_mutex_);
  const auto found = channels_.find(std::string(channel));
  if (found == channels_.end()) return;
  Channel& here = found->second;
  if (record.kind == RecordKind::missed) {
    // What was lost while this machine was cut off itself, its members know already.
    if (steady_ms() - record.time_ms >= here.whole_ms && !here.cut_off) tell_missed(found->first);
    return;
  }
  if (record.kind == RecordKind::loose || (here.current && fits(channel, record))) {
    store_.publish(channel, record);
    return;
  }
  here.held.push_back(std::move(record));
  if (here.held.size() > limits_.held) {
    here.held.clear();
    here.held_too_many = true;
  }
  if (std::exchange(here.current, false))
    read_missing(found->first, known(store_.position(channel)));
}

// The members here are told that they have missed something that has no number. Under channels_mutex_.
void BackplaneUplink::tell_missed(const std::string& channel) {
  Record record{};
  record.kind = RecordKind::missed;
  store_.publish(channel, record);
}

// True if nothing is missing before `record`.
bool BackplaneUplink::fits(std::string_view channel, const Record& record) const {
  const Position newest = store_.position(channel);
  if (newest.offset == 0) return record.position.offset == 1;
  return newest.epoch == record.position.epoch && record.position.offset <= newest.offset + 1;
}

// Under channels_mutex_, as take_held().
void BackplaneUplink::read_missing(const std::string& channel, std::optional<Position> after) {
  backplane_->read(channel, after, limits_.read_at_once,
                   [this, channel, after, link = links_](StoredHistory&& found) {
                     found_missing(channel, after, link, std::move(found));
                   });
}

void BackplaneUplink::found_missing(const std::string& channel, std::optional<Position> after,
                                    std::uint64_t link, StoredHistory&& found) {
  std::vector<std::function<void()>> waiting;
  {
    std::lock_guard lock(channels_mutex_);
    const auto here = channels_.find(channel);
    if (link != links_ || here == channels_.end()) return;
    // Another epoch: the channel has begun anew, and what it has now is all there is.
    if (after && found.newest.epoch != 0 && found.newest.epoch != after->epoch)
      return read_missing(channel, std::nullopt);
    for (const Record& record : found.records) store_.publish(channel, record);
    if (after) counters_.repaired += found.records.size();
    const std::uint64_t last =
        found.records.empty() ? found.looked_to : std::max(found.looked_to, found.records.back().position.offset);
    if (last != 0 && last < found.newest.offset)
      return read_missing(channel, Position{found.newest.epoch, last});
    if (!take_held(here->second, channel, found.newest.epoch))
      return read_missing(channel, known(store_.position(channel)));
    here->second.current = true;
    here->second.unread = found.refused;
    // Where there is a history, that says what was missed, or the next number of a new epoch does.
    const bool has_history = found.newest.epoch != 0 || numbering_.contains(channel) ||
                             (store_.position(channel).epoch & engine_epoch) != 0;
    if (std::exchange(here->second.cut_off, false) && !has_history) tell_missed(channel);
    waiting.swap(here->second.waiting);
  }
  for (auto& each : waiting) each();
}

// False if something may be missing all the same. Those of another epoch are older than what was
// read, or newer: then they are read, too.
bool BackplaneUplink::take_held(Channel& here, const std::string& channel, std::uint64_t epoch) {
  const auto held = std::exchange(here.held, {});
  if (std::exchange(here.held_too_many, false)) return false;
  if (std::ranges::any_of(held, [&](const Record& r) { return r.position.epoch != epoch; }))
    return false;
  for (const Record& record : held) store_.publish(channel, record);
  return true;
}

bool BackplaneUplink::recover(std::string_view channel, std::optional<Position> after,
                              std::function<void(StoredHistory&&)> done) {
  if (counters_.up == 0 || !backplane_->keeps_history()) return false;
  {
    std::lock_guard lock(channels_mutex_);
    const auto here = channels_.find(std::string(channel));
    if (here == channels_.end()) return false;
    if (!here->second.current) {
      here->second.waiting.push_back([this, name = here->first, after, done = std::move(done)] {
        recover_current(name, after, done);
      });
      return true;
    }
  }
  if (!after) return false;
  recover_current(std::string(channel), after, done);
  return true;
}

// What breaks the link before the answer has found nothing, and neither has what may not be read: both are no
// channel that is not known, and their answer does not come.
bool BackplaneUplink::read(std::string_view channel, std::optional<Position> after, std::size_t most,
                           std::function<void(StoredHistory&&)> done) {
  if (counters_.up == 0) return false;
  backplane_->read(channel, after, most, [this, done = std::move(done)](StoredHistory&& found) {
    if (counters_.up != 0 && !found.refused) done(std::move(found));
  });
  return true;
}

bool BackplaneUplink::knows_all(std::string_view channel) {
  std::lock_guard lock(channels_mutex_);
  const auto here = channels_.find(std::string(channel));
  return here != channels_.end() && here->second.current && !here->second.unread;
}

void BackplaneUplink::recover_current(const std::string& channel, std::optional<Position> after,
                                      const Done& done) {
  if (!after) return done({{}, store_.position(channel), false});
  // What was missing in the store may have come by catching up.
  if (store_.history(channel, after, static_cast<std::size_t>(-1)).complete)
    return done({{}, *after, true});
  backplane_->read(channel, after, limits_.recovered_at_once, done);
}

}  // namespace cppwebsocket::channels
