// What a member is given before it gets things as they come: its channel's past, in pieces.
#include <algorithm>
#include <utility>

#include "channels/members/blocking_member.hpp"
#include "channels/members/local_member.hpp"
#include "channels/members/reactor_channels.hpp"
#include "channels/store/past.hpp"
#include "channels/store/reader.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::channels {

namespace {
constexpr std::size_t piece_size = Past::piece_words * sizeof(shared::Word);  // bytes
}  // namespace

Beginning& LocalMember::begin_later() {
  seldom().beginning = std::make_unique<Beginning>();
  begins_ = true;
  return *seldom_->beginning;
}

void LocalMember::begin(const Recovery& recovery) {
  recovered_ = recovery.recovered;
  start_ = recovery.position;
  if (!receives_) tell_beginning(recovery);
  if (begins_) {
    seldom_->beginning->recovering = false;
    seldom_->beginning->replays = true;
    reactor_.replays().begin(*channel_);
    replay();
  }
  if (!seldom_) return;
  if (seldom_->for_threads) seldom_->for_threads->recovered(recovery);
  if (auto* const operation = std::exchange(seldom_->awaiting, nullptr)) {
    operation->recovery = recovery;
    session_->complete(*operation);
  }
}

bool LocalMember::begin(detail::RecoveryOperation& operation) {
  if (!is_recovering()) {
    operation.recovery = recovery();
    return true;
  }
  require_joined();
  if (seldom().awaiting) throw BadOperationException("a recovery is already awaited");
  session_->tasks().wait_for(operation);
  seldom().awaiting = &operation;
  return false;
}

// --- a part of the past ---------------------------------------------------------------------------

void LocalMember::go_on() {
  seldom_->beginning->is_listed = false;
  session_->turn([&] {
    if (!session_->ending().is_open()) return;
    if (is_recovering())
      reactor_.look_back(*this);
    else
      replay();
  });
}

// Within the session's turn. Whoever receives may run in it, and leave.
void LocalMember::replay() {
  Beginning& own = *seldom_->beginning;
  if (!session_->ending().is_open()) return;
  if (own.elsewhere && own.first.empty() && !own.piece) return reactor_.ask_for_more(*this);
  if (!next_piece(own)) return end_replay();
  const bool is_given = receives_ ? put_piece(own) : give_piece(own);
  if (!is_given || !session_) return;
  const Position& newest = channel_->follow->position;
  if (!own.elsewhere && own.first.empty() && own.at.epoch == newest.epoch && own.at.offset >= newest.offset)
    return end_replay();  // what is behind that, the reactor has not read yet
  if (receives_)
    list();
  else
    session_->wire().guests().expect_more();
}

void LocalMember::go_on_with(StoredHistory&& found) {
  seldom_->beginning->take(std::move(found));
  list();
}

// It holds about a piece, and leaves the rest with the engine.
void Beginning::take(StoredHistory&& found) {
  elsewhere.reset();
  if (!found.complete || found.records.empty()) return;
  next_first = 0;
  std::size_t bytes = 0;
  for (Record& each : found.records) {
    if (bytes >= piece_size) break;
    bytes += each.message.size();
    at = each.position;
    first.push_back(past_arrival_of(std::move(each)));
  }
  if (at != found.newest) elsewhere = found.newest;
}

bool LocalMember::next_piece(Beginning& own) {
  if (own.piece) return true;
  if (!find_piece(own)) return false;
  // What it holds without a number, and is given with it now.
  std::erase_if(own.held, [&](const Arrival& held) {
    const bool is_here = held.origin != 0 &&
                         std::ranges::any_of(own.piece->publications(),
                                             [&](const Arrival& each) { return each.is(held); });
    if (is_here) own.held_bytes -= std::min(own.held_bytes, held.message.size() + sizeof(Publication));
    return is_here;
  });
  return true;
}

// All of it, as a rule.
std::shared_ptr<SharedBatch> LocalMember::its_part(std::shared_ptr<SharedBatch> piece) const {
  if (!piece || !is_excepted_from(*piece)) return piece;
  std::vector<Arrival> own = piece->publications();
  leave_out_excepted(own);
  return std::make_shared<SharedBatch>(std::move(own));
}

bool LocalMember::find_piece(Beginning& own) {
  if (own.first.empty()) {
    const Position from = own.at;
    own.piece = its_part(reactor_.replays().next_piece(*channel_, own.at));
    if (own.piece) own.next_in_piece = own.piece->first_after(from);
    return own.piece != nullptr;
  }
  std::vector<Arrival> some;
  for (std::size_t bytes = 0; bytes < piece_size && own.next_first < own.first.size();) {
    some.push_back(std::move(own.first[own.next_first++]));
    bytes += some.back().message.size();
  }
  own.piece = its_part(std::make_shared<SharedBatch>(std::move(some)));
  own.next_in_piece = 0;
  if (own.next_first == own.first.size()) {
    own.first = {};
    own.next_first = 0;
  }
  return true;
}

// False: not now, or never.
bool LocalMember::give_piece(Beginning& own) {
  runtime::Wire& wire = session_->wire();
  if (wire.in_fragments() || wire.unsent() >= piece_size) {
    wire.guests().expect_more();
    return false;
  }
  if (own.piece->has_gap() && is_lost(*own.piece, own.next_in_piece)) return false;
  const Encoded& encoded = own.piece->encoded(form(), wire.protocol(), channel_->name);
  const protocol::SharedBytes bytes = encoded.bytes;
  const std::size_t begin = encoded.begin_of(own.next_in_piece);
  const std::size_t count = encoded.ends.size() - own.next_in_piece;
  const std::size_t payload = encoded.payload(own.next_in_piece, encoded.ends.size());
  reactor_.count_delivered(count);
  own.piece.reset();
  if (begin == bytes->size()) return true;
  session_->append_shared(bytes, begin, bytes->size());
  wire.count_sent(payload, count);
  return true;
}

// False: the receiver has not room for all of it.
bool LocalMember::put_piece(Beginning& own) {
  ReceiveQueue& queue = *seldom_->queue;
  const auto& all = own.piece->publications();
  std::size_t& next = own.next_in_piece;
  const std::size_t before = next;
  for (; next < all.size(); ++next) {
    if (all[next].kind == Publication::Kind::gap)
      queue.lose(all[next].position);
    else if (!all[next].given_early && !queue.put(Publication(all[next]), limit_))
      break;
  }
  reactor_.count_delivered(next - before);
  const bool is_given = next == all.size();
  if (is_given)
    own.piece.reset();
  else if (seldom_->for_threads)
    queue.when_room(limit_ / 2, seldom_->for_threads->room_teller());
  else
    queue.when_room(limit_ / 2, [this] { has_room(); });
  wake_receiver();
  return is_given;
}

void LocalMember::has_room() noexcept {
  if (!session_ || !begins_ || !seldom_->beginning->replays) return;
  try {
    list();
  } catch (...) {  // no memory
    session_->turn([&] { session_->ending().report(std::current_exception()); });
  }
}

void LocalMember::list() {
  if (!std::exchange(seldom_->beginning->is_listed, true)) reactor_.replays().list(*this);
}

void LocalMember::end_replay() {
  Beginning& own = *seldom_->beginning;
  own.replays = false;
  reactor_.replays().end(*channel_);
  if (own.at.epoch != start_.epoch || own.at.offset > start_.offset) {
    if (!seldom_->for_threads) seldom_->told = start_;
    start_ = own.at;
  }
  SharedBatch held(std::exchange(own.held, {}));
  if (own.skipped == 0) {
    seldom_->beginning.reset();
    begins_ = false;
  }
  if (held.publications().empty()) return forget_seldom();
  if (receives_) return put(held, 0);
  if (held.has_gap() && is_lost(held, 0)) return;
  keep(held.encoded(form(), session_->wire().protocol(), channel_->name), held, 0);
  if (session_) session_->wire().guests().expect_more();
}

// --- meanwhile ------------------------------------------------------------------------------------

void LocalMember::deliver_later(SharedBatch& batch) {
  Beginning& own = *seldom_->beginning;
  const std::size_t first = std::exchange(own.skipped, 0);
  if (own.recovering || own.replays) {
    for (std::size_t i = first; i < batch.publications().size() && session_; ++i)
      hold(batch.publications()[i]);
    return;
  }
  seldom_->beginning.reset();
  begins_ = false;
  SharedBatch rest(batch.after(start_, first));
  give(rest);
}

// What has an offset is read from the rings when its turn comes.
void LocalMember::hold(const Arrival& publication) {
  if (publication.given_early) has_it_early(publication);
  if (publication.position.offset != 0 || is_excepted(publication)) return;
  const bool is_message = publication.kind == Publication::Kind::message;
  const bool is_gap = publication.kind == Publication::Kind::gap;
  if (!is_message && !is_gap && !events_) return;
  Beginning& own = *seldom_->beginning;
  const std::size_t size = publication.message.size() + sizeof(Publication);
  const bool fits = own.held.empty() || own.held_bytes + size <= limit_;
  if (fits && !is_gap) {
    own.held.push_back(publication);
    own.held_bytes += size;
    return;
  }
  if (!is_gap) {
    missed(1);
    if (slow_ == SlowPolicy::close) return close(too_slow);
  }
  if (own.held.empty() || own.held.back().kind != Publication::Kind::gap)
    own.held.emplace_back().kind = Publication::Kind::gap;
}

}  // namespace cppwebsocket::channels
