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
    channels_.try_emplace(std::string(channel));
    backplane_->subscribe(channel);
  } else {
    channels_.erase(std::string(channel));
    backplane_->unsubscribe(channel);
  }
}

void BackplaneUplink::subscribed(std::string_view channel) {
  if (!backplane_->keeps_history()) return;
  std::lock_guard lock(channels_mutex_);
  const auto here = channels_.find(std::string(channel));
  if (here == channels_.end()) return;
  here->second.current = false;
  read_missing(here->first, known(store_.position(channel)));
}

void BackplaneUplink::received(std::string_view channel, Record&& record) {
  ++counters_.received;
  if (record.kind == RecordKind::control) return control_(channel, record);
  std::lock_guard lock(channels_mutex_);
  const auto found = channels_.find(std::string(channel));
  if (found == channels_.end()) return;
  Channel& here = found->second;
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
    const bool is_more =
        !found.records.empty() && found.records.back().position.offset < found.newest.offset;
    if (is_more || !take_held(here->second, channel, found.newest.epoch))
      return read_missing(channel, known(store_.position(channel)));
    here->second.current = true;
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

void BackplaneUplink::recover_current(const std::string& channel, std::optional<Position> after,
                                      const Done& done) {
  if (!after) return done({{}, store_.position(channel), false});
  // What was missing in the store may have come by catching up.
  if (store_.history(channel, after, static_cast<std::size_t>(-1)).complete)
    return done({{}, *after, true});
  read_on(channel, {{}, *after, true}, done);
}

void BackplaneUplink::read_on(const std::string& channel, StoredHistory&& so_far, Done done) {
  const Position after = so_far.newest;
  backplane_->read(channel, after, limits_.read_at_once,
                   [this, channel, so_far = std::move(so_far),
                    done = std::move(done)](StoredHistory&& found) mutable {
                     if (!found.complete) return done({});
                     if (found.records.empty()) return done(std::move(so_far));
                     so_far.newest = found.records.back().position;
                     std::ranges::move(found.records, std::back_inserter(so_far.records));
                     if (so_far.newest == found.newest) return done(std::move(so_far));
                     read_on(channel, std::move(so_far), std::move(done));
                   });
}

}  // namespace cppwebsocket::channels
