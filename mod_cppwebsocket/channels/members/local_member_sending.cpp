// What goes straight to the client: at once, or from where all members have it once there is room.
#include <algorithm>
#include <utility>

#include "channels/members/blocking_member.hpp"
#include "channels/members/json_envelope.hpp"
#include "channels/members/local_member.hpp"
#include "channels/members/reactor_channels.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::channels {

namespace {
constexpr std::size_t refill_size = 64 << 10;  // bytes given to the session at a time
}

void LocalMember::deliver(SharedBatch& batch) {
  if (!session_ || !session_->ending().is_open()) return;
  if (begins_) return deliver_later(batch);
  give(batch);
}

bool LocalMember::prepare(SharedBatch& batch, protocol::TurnShare& share) {
  if (!session_ || receives_ || begins_) return true;
  return batch.encode(form(), session_->wire().protocol(), channel_->name, share);
}

void LocalMember::lacks(Early&& early) {
  if (early.empty() && (!seldom_ || seldom_->lacking.empty())) return;
  if (!seldom().lacking.empty()) --channel_->behind;
  seldom_->lacking = std::move(early);
  if (!seldom_->lacking.empty()) ++channel_->behind;
}

// Of one that was given early to others.
bool LocalMember::has_it_early(const Arrival& arrival) {
  if (!seldom_) return true;
  const auto found = std::ranges::find(seldom_->lacking, arrival.origin, &Early::value_type::first);
  if (found == seldom_->lacking.end()) return true;
  const std::uint64_t last = found->second;
  if (arrival.sequence >= last) {
    Early rest = seldom_->lacking;
    std::erase_if(rest, [&](const auto& each) { return each.first == arrival.origin; });
    lacks(std::move(rest));
  }
  return arrival.sequence > last;
}

bool LocalMember::is_excepted(const Arrival& arrival) const noexcept {
  return !arrival.except.empty() && seldom_ && arrival.except == seldom_->tag;
}

bool LocalMember::is_excepted_from(const SharedBatch& batch) const noexcept {
  return batch.has_exceptions() &&
         std::ranges::any_of(batch.publications(), [&](const Arrival& each) { return is_excepted(each); });
}

void LocalMember::leave_out_excepted(std::vector<Arrival>& arrivals) const {
  std::erase_if(arrivals, [&](const Arrival& each) { return each.position.offset == 0 && is_excepted(each); });
  for (Arrival& each : arrivals) each.given_early |= is_excepted(each);
}

void LocalMember::give(SharedBatch& batch) {
  const bool lacks_some = batch.has_given_early() && seldom_ && !seldom_->lacking.empty();
  if (!lacks_some && !is_excepted_from(batch)) return give_shared(batch);
  std::vector<Arrival> own = batch.publications();
  for (Arrival& each : own)
    if (each.given_early) each.given_early = has_it_early(each);
  leave_out_excepted(own);
  SharedBatch its(std::move(own));
  give_shared(its);
}

void LocalMember::give_shared(SharedBatch& batch) {
  const std::size_t first = batch.first_after(start_);
  if (first != 0 && batch.has_unnumbered(first)) {
    SharedBatch rest(batch.after(start_, 0));
    return give_shared(rest);
  }
  if (first == batch.publications().size()) return;
  if (receives_) return put(batch, first);
  if (batch.has_gap() && is_lost(batch, first)) return;
  write(batch.encoded(form(), session_->wire().protocol(), channel_->name), batch, first);
}

// Whether its connection is closed, because something is lost and it cannot be told.
bool LocalMember::is_lost(const SharedBatch& batch, std::size_t first) {
  if (can_tell_gaps()) return false;
  const auto& all = batch.publications();
  const auto from = all.begin() + static_cast<std::ptrdiff_t>(first);
  if (std::none_of(from, all.end(), [](const Arrival& each) {
        return each.kind == Publication::Kind::gap && !each.given_early;
      }))
    return false;
  missed(1);
  if (slow_ != SlowPolicy::close) return false;
  close("messages were lost");
  return true;
}

void LocalMember::write(const Encoded& encoded, const SharedBatch& batch, std::size_t first) {
  const std::size_t begin = encoded.begin_of(first);
  const std::string_view bytes = std::string_view(*encoded.bytes).substr(begin);
  if (bytes.empty()) return;
  reactor_.count_delivered(encoded.ends.size() - first);
  if (seldom_ && !seldom_->backlog.empty()) return keep(encoded, batch, first);
  const auto taken = session_->write_shared(bytes);
  if (!taken) {
    keep(encoded, batch, first);
    if (session_) session_->wire().guests().expect_more();
    return;
  }
  if (!session_) return;
  if (*taken == bytes.size())
    return session_->wire().count_sent(encoded.payload(first, encoded.ends.size()), encoded.ends.size() - first);
  session_->turn([&] {
    const std::size_t at = begin + *taken;
    const auto cut = std::upper_bound(encoded.ends.begin(), encoded.ends.end(), at);
    auto next = static_cast<std::size_t>(cut - encoded.ends.begin());
    if (at != encoded.begin_of(next)) session_->append_shared(encoded.bytes, at, encoded.ends[next++]);
    session_->wire().count_sent(encoded.payload(first, next), next - first);
    keep(encoded, batch, next);
    if (session_) session_->wire().guests().expect_more();
  });
}

void LocalMember::keep(const Encoded& encoded, const SharedBatch& batch, std::size_t first) {
  for (std::size_t i = first; i < encoded.ends.size() && session_; ++i) {
    const std::size_t begin = encoded.begin_of(i);
    const std::size_t size = encoded.ends[i] - begin;
    const Position& position = batch.publications()[i].position;
    if (size == 0 || !make_room(size, position)) continue;
    seldom().backlog.push_back({encoded.bytes, begin, encoded.ends[i], true, position, encoded.payload(i, i + 1)});
    seldom().bytes += size;
  }
  if (!session_ || !seldom_) return;
  std::size_t kept = seldom_->backlog.size();
  while (kept != 0 && seldom_->backlog[kept - 1].bytes == encoded.bytes) --kept;
  compact(kept);
}

// What waits from `first` on, of one batch: if it is a small part of a large one it is copied, for
// otherwise it would keep all of that.
void LocalMember::compact(std::size_t first) {
  auto& backlog = seldom_->backlog;
  if (first == backlog.size()) return;
  const auto shared = backlog[first].bytes;
  std::size_t last = first, size = 0;
  for (; last < backlog.size() && backlog[last].bytes == shared; ++last)
    size += backlog[last].end - backlog[last].begin;
  if (shared->size() < 4096 || size > shared->size() / 8) return;
  auto own = std::make_shared<std::string>();
  own->reserve(size);
  for (std::size_t i = first; i < last; ++i) {
    Waiting& each = backlog[i];
    const std::size_t begin = own->size();
    own->append(*shared, each.begin, each.end - each.begin);
    each.begin = begin;
    each.end = own->size();
  }
  const protocol::SharedBytes copied = std::move(own);
  for (std::size_t i = first; i < last; ++i) backlog[i].bytes = copied;
}

// False: what needs it is dropped.
bool LocalMember::make_room(std::size_t size, const Position& position) {
  Seldom& own = seldom();
  if (own.bytes == 0 || own.bytes + size <= limit_) return true;
  switch (slow_) {
    case SlowPolicy::close:
      missed(1);
      close(too_slow);
      return false;
    case SlowPolicy::drop_newest:
      missed(1);
      own.gap = position;
      return false;
    case SlowPolicy::drop_oldest:
      break;
  }
  std::uint64_t dropped = 0;
  auto next = std::find_if(own.backlog.begin(), own.backlog.end(),
                           [](const Waiting& each) { return each.is_message; });
  const auto from = next;
  for (; next != own.backlog.end() && next->is_message && own.bytes + size > limit_; ++next) {
    own.bytes -= next->end - next->begin;
    own.gap = next->position;
    ++dropped;
  }
  const auto at = static_cast<std::size_t>(own.backlog.erase(from, next) - own.backlog.begin());
  if (dropped != 0) compact(at);
  missed(dropped);
  return true;
}

void LocalMember::missed(std::uint64_t count) {
  seldom().dropped += count;
  if (seldom_->for_threads) seldom_->for_threads->missed(count);
  session_->count_dropped(count);
  reactor_.count_dropped(count);
}

// With 1013: who comes back may find them in the history.
void LocalMember::close(std::string_view reason) {
  reactor_.count_closed_slow();
  const auto close = [&] {
    session_->ending().close_now(Close(close_code::try_again_later, std::string(reason)),
                                   runtime::Ending::By::server);
  };
  if (session_->in_turn())
    close();
  else
    session_->turn(close);
}

// Within the session's turn.
void LocalMember::refill(bool all) noexcept {
  if (!seldom_) return;
  try {
    Seldom& own = *seldom_;
    if (begins_) {  // goes on between what the session has to send, and is not given in one go
      if (own.beginning->replays) list();
      if (own.backlog.empty()) return;
    }
    if (slow_ == SlowPolicy::drop_oldest) tell_gap();
    std::size_t given = 0;
    while (!own.backlog.empty() && (all || given < refill_size)) {
      Waiting first = std::move(own.backlog.front());
      own.backlog.pop_front();
      std::size_t messages = 1;
      if (first.is_message) own.bytes -= first.end - first.begin;
      while (!own.backlog.empty() && own.backlog.front().bytes == first.bytes &&
             own.backlog.front().begin == first.end && first.is_message) {
        own.bytes -= own.backlog.front().end - first.end;
        first.end = own.backlog.front().end;
        first.payload += own.backlog.front().payload;
        ++messages;
        own.backlog.pop_front();
      }
      given += first.end - first.begin;
      session_->append_shared(first.bytes, first.begin, first.end);
      session_->wire().count_sent(first.payload, messages);
    }
    if (own.backlog.empty())
      tell_gap();
    else
      session_->wire().guests().expect_more();
    forget_seldom();
  } catch (...) {  // no memory
    session_->ending().report(std::current_exception());
  }
}

void LocalMember::tell_gap() {
  const auto gap = std::exchange(seldom_->gap, std::nullopt);
  if (!gap || !can_tell_gaps()) return;
  std::string encoded;
  encode_gap(form(), session_->wire().protocol(), channel_->name, *gap, encoded);
  send_own(std::move(encoded));
}

bool LocalMember::can_tell_gaps() const noexcept {
  return json_ || session_->wire().protocol().has_names();
}

// What was missed comes behind it, with positions of its own: then it must not move the client.
void LocalMember::tell_beginning(const Recovery& recovery) {
  if (!json_ && !session_->wire().protocol().has_names()) return;
  std::optional<std::vector<Member>> present;
  if (events_) present = reactor_.present(channel_->name);
  const std::string json = json_of(channel_->name, recovery, present);
  const Position position = recovery.recovered ? Position() : recovery.position;
  std::string encoded;
  if (json_)
    session_->wire().protocol().encode_shared(Message(json), position, encoded);
  else
    session_->wire().protocol().encode_named(beginning, json, position, {}, encoded);
  if (begins_ && seldom_->beginning->came_back && !recovery.recovered && !json_)
    encode_gap(form(), session_->wire().protocol(), channel_->name, recovery.position, encoded);
  send_own(std::move(encoded));
}

// Within the session's turn: something of the server's own, for this member alone.
void LocalMember::send_own(std::string&& encoded) {
  const auto bytes = std::make_shared<const std::string>(std::move(encoded));
  const std::size_t size = bytes->size();
  if (!session_->wire().in_fragments()) {
    session_->wire().count_sent(size);
    return session_->append_shared(bytes, 0, size);
  }
  seldom().backlog.push_back({bytes, 0, size, false, {}, size});
  session_->wire().guests().expect_more();
}

}  // namespace cppwebsocket::channels
