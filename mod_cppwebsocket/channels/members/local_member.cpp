#include "channels/members/local_member.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "channels/members/json_envelope.hpp"
#include "channels/members/reactor_channels.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::channels {

namespace {

constexpr std::size_t refill_size = 64 << 10;  // bytes given to the session at a time
constexpr char too_slow[] = "too slow for the channel";

std::uint32_t limit_of(const JoinOptions& options, const runtime::Session& session) noexcept {
  const std::size_t bytes =
      options.max_queued != 0 ? options.max_queued : session.limits().send_buffer_size;
  return static_cast<std::uint32_t>(
      std::min<std::size_t>(bytes, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

static_assert(sizeof(LocalMember) <= 72, "every membership pays for it");

LocalMember::LocalMember(ReactorChannels& reactor, LocalChannel& channel,
                         runtime::Session& session, const ChannelOptions& channel_options,
                         const JoinOptions& options, bool blocking)
    : reactor_(reactor),
      channel_(&channel),
      session_(&session),
      limit_(limit_of(options, session)),
      slow_(options.slow),
      receives_(options.receive),
      json_(options.json),
      events_(options.events),
      blocking_(blocking) {
  if (channel_options != channel.options) seldom().options = channel_options;
  if (receives_) seldom().queue = std::make_unique<ReceiveQueue>();
  if (blocking_) seldom();  // its thread looks there
}

LocalMember::~LocalMember() { remove(); }

void LocalMember::remove() noexcept {
  if (!session_) return;
  std::exchange(session_, nullptr)->detach(*this);
  reactor_.remove(*this);
  channel_ = nullptr;
}

LocalMember::Seldom& LocalMember::seldom() {
  if (!seldom_) seldom_ = std::make_unique<Seldom>();
  return *seldom_;
}

// After a slow time nothing of it stays but the count.
void LocalMember::forget_seldom() noexcept {
  if (!seldom_->backlog.empty() || seldom_->gap) return;
  if (seldom_->dropped == 0 && seldom_->id.empty() && !seldom_->options && !receives_ &&
      !blocking_ && !recovering_)
    seldom_.reset();
  else
    seldom_->backlog = {};
}

ChannelOptions LocalMember::options() const noexcept {
  return seldom_ && seldom_->options ? *seldom_->options : channel_->options;
}

Form LocalMember::form() const noexcept {
  if (!json_) return Form::plain;
  return events_ ? Form::json_events : Form::json;
}

// --- straight to the client -------------------------------------------------------------------------

void LocalMember::deliver(SharedBatch& batch) {
  if (recovering_ || !session_ || !session_->takes_messages()) return;
  const std::size_t first = batch.first_after(start_);
  if (first == batch.publications().size()) return;
  if (receives_) return put(batch, first);
  if (batch.has_gap() && !can_tell_gaps()) {
    missed(1);
    if (slow_ == SlowPolicy::close) return close("messages were lost");
  }
  write(*batch.encoded(form(), session_->protocol(), channel_->name), batch, first);
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
    if (session_) session_->expect_guests();
    return;
  }
  if (*taken == bytes.size() || !session_) return;
  session_->turn([&] {
    const std::size_t at = begin + *taken;
    const auto cut = std::upper_bound(encoded.ends.begin(), encoded.ends.end(), at);
    auto next = static_cast<std::size_t>(cut - encoded.ends.begin());
    if (at != encoded.begin_of(next)) session_->append_shared(encoded.bytes, at, encoded.ends[next++]);
    keep(encoded, batch, next);
    if (session_) session_->expect_guests();
  });
}

void LocalMember::keep(const Encoded& encoded, const SharedBatch& batch, std::size_t first) {
  for (std::size_t i = first; i < encoded.ends.size() && session_; ++i) {
    const auto begin = static_cast<std::uint32_t>(encoded.begin_of(i));
    const std::uint32_t size = encoded.ends[i] - begin;
    const Position& position = batch.publications()[i].position;
    if (size == 0 || !make_room(size, position)) continue;
    seldom().backlog.push_back({encoded.bytes, begin, encoded.ends[i], true, position});
    seldom().bytes += size;
  }
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
  own.backlog.erase(from, next);
  missed(dropped);
  return true;
}

void LocalMember::missed(std::uint64_t count) {
  seldom().dropped += count;
  reactor_.count_dropped(count);
}

// With 1013: who comes back may find them in the history.
void LocalMember::close(std::string_view reason) {
  reactor_.count_closed_slow();
  const auto close = [&] {
    session_->close_now(Close(close_code::try_again_later, std::string(reason)));
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
    if (slow_ == SlowPolicy::drop_oldest) tell_gap();
    std::size_t given = 0;
    while (!own.backlog.empty() && (all || given < refill_size)) {
      Waiting first = std::move(own.backlog.front());
      own.backlog.pop_front();
      if (first.is_message) own.bytes -= first.end - first.begin;
      while (!own.backlog.empty() && own.backlog.front().bytes == first.bytes &&
             own.backlog.front().begin == first.end && first.is_message) {
        own.bytes -= own.backlog.front().end - first.end;
        first.end = own.backlog.front().end;
        own.backlog.pop_front();
      }
      given += first.end - first.begin;
      session_->append_shared(first.bytes, first.begin, first.end);
    }
    if (own.backlog.empty())
      tell_gap();
    else
      session_->expect_guests();
    forget_seldom();
  } catch (...) {  // no memory
    session_->report(std::current_exception());
  }
}

void LocalMember::tell_gap() {
  const auto gap = std::exchange(seldom_->gap, std::nullopt);
  if (!gap || !can_tell_gaps()) return;
  if (!json_) return send_own(encode_gap(*gap));
  Publication publication;
  publication.kind = Publication::Kind::gap;
  publication.position = *gap;
  send_made(json_of(channel_->name, publication));
}

bool LocalMember::can_tell_gaps() const noexcept {
  return json_ || tells_gaps(session_->protocol());
}

void LocalMember::send_made(const std::string& json) {
  std::string encoded;
  session_->protocol().encode_shared(Message(json), {}, encoded);
  send_own(std::move(encoded));
}

// Within the session's turn: something of the server's own, for this member alone.
void LocalMember::send_own(std::string&& encoded) {
  const auto bytes = std::make_shared<const std::string>(std::move(encoded));
  const auto size = static_cast<std::uint32_t>(bytes->size());
  if (!session_->in_fragments()) return session_->append_shared(bytes, 0, size);
  seldom().backlog.push_back({bytes, 0, size, false, {}});
  session_->expect_guests();
}

// --- the beginning --------------------------------------------------------------------------------

void LocalMember::begin_with(SharedBatch& missed, const Recovery& recovery) {
  recovering_ = false;
  recovered_ = recovery.recovered;
  start_ = recovery.position;
  if (receives_) {
    for (const Publication& each : missed.publications())
      seldom().queue->put(Publication(each), ReceiveQueue::unlimited);
    wake_receiver();
  } else {
    std::optional<std::vector<Member>> present;
    if (events_) present = reactor_.present(channel_->name);
    if (json_) send_made(json_of(channel_->name, recovery, present));
    if (!missed.publications().empty()) {
      const auto& encoded = missed.encoded(form(), session_->protocol(), channel_->name);
      const auto size = static_cast<std::uint32_t>(encoded->bytes->size());
      if (!session_->in_fragments()) {
        session_->append_shared(encoded->bytes, 0, size);
      } else {
        seldom().backlog.push_back({encoded->bytes, 0, size, false, {}});
        session_->expect_guests();
      }
    }
  }
  if (!seldom_) return;
  if (seldom_->told) std::exchange(seldom_->told, nullptr)();
  if (auto* const operation = std::exchange(seldom_->awaiting, nullptr)) {
    operation->recovery = this->recovery();
    session_->complete_now(*operation);
  }
}

void LocalMember::when_recovered(std::function<void()> told) {
  if (recovering_ && session_ && !session_->has_ended())
    seldom().told = std::move(told);
  else
    told();
}

bool LocalMember::begin(detail::RecoveryOperation& operation) {
  if (!session_) throw ConnectionTerminatedException("the connection has ended");
  if (!recovering_) {
    operation.recovery = recovery();
    return true;
  }
  if (seldom().awaiting) throw BadOperationException("a recovery is already awaited");
  session_->wait_for(operation);
  seldom().awaiting = &operation;
  return false;
}

// --- the receive form -------------------------------------------------------------------------------

void LocalMember::put(SharedBatch& batch, std::size_t first) {
  reactor_.count_delivered(batch.publications().size() - first);
  for (std::size_t i = first; i < batch.publications().size(); ++i)
    if (!put(batch.publications()[i])) break;
  if (session_) wake_receiver();
}

// False: it is too slow, and its connection is closed.
bool LocalMember::put(const Publication& publication) {
  ReceiveQueue& queue = *seldom_->queue;
  if (publication.kind == Publication::Kind::gap) return queue.lose(publication.position), true;
  const bool is_event = publication.kind != Publication::Kind::message;
  if (is_event && !events_) return true;
  if (queue.put(Publication(publication), limit_)) return true;
  switch (slow_) {
    case SlowPolicy::close:
      missed(1);
      close(too_slow);
      return false;
    case SlowPolicy::drop_newest:
      queue.lose(publication.position);
      missed(1);
      return true;
    case SlowPolicy::drop_oldest:
      missed(queue.drop_oldest(publication.message.size(), limit_));
      queue.put(Publication(publication), ReceiveQueue::unlimited);
      return true;
  }
  return true;
}

void LocalMember::wake_receiver() {
  ReceiveQueue& queue = *seldom_->queue;
  if (!queue.receiver) return;
  auto publication = queue.take();
  if (!publication) return;
  auto* const operation = std::exchange(queue.receiver, nullptr);
  operation->publication = std::move(publication);
  if (session_->in_turn())
    session_->complete_now(*operation);
  else
    session_->turn([&] { session_->complete_now(*operation); });
}

bool LocalMember::begin(detail::PublicationOperation& operation) {
  if (!receives_) throw BadOperationException("receive() needs JoinOptions::receive");
  ReceiveQueue& queue = *seldom_->queue;
  if (queue.receiver) throw BadOperationException("a receive is already waiting");
  operation.publication = queue.take();
  if (operation.publication) return true;
  if (!session_) throw ConnectionTerminatedException("the connection has ended");
  if (session_->has_ended() && session_->ended_cleanly()) return true;
  session_->wait_for(operation);
  queue.receiver = &operation;
  return false;
}

// --- the end ----------------------------------------------------------------------------------------

void LocalMember::session_ended() noexcept {
  if (!seldom_) return;
  seldom_->awaiting = nullptr;  // the session tells it
  if (seldom_->told) std::exchange(seldom_->told, nullptr)();
  if (!receives_) return;
  seldom_->queue->receiver = nullptr;
  seldom_->queue->end(session_->end_reason(), session_->ended_cleanly());
}

void LocalMember::session_gone() noexcept {
  if (!session_) return;
  session_ = nullptr;
  reactor_.remove(*this);
  channel_ = nullptr;
}

}  // namespace cppwebsocket::channels
