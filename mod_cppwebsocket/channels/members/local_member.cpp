#include "channels/members/local_member.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "channels/members/blocking_member.hpp"
#include "channels/members/reactor_channels.hpp"
#include "channels/store/past.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::channels {

LocalChannel::LocalChannel() = default;
LocalChannel::~LocalChannel() = default;

namespace {

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
                         const JoinOptions& options,
                         std::shared_ptr<BlockingMember> for_threads)
    : reactor_(reactor),
      channel_(&channel),
      session_(&session),
      limit_(limit_of(options, session)),
      slow_(options.slow),
      receives_(options.receive),
      json_(options.json),
      events_(options.events) {
  if (channel_options != channel.options) seldom().options = channel_options;
  if (!options.tag.empty()) seldom().tag = options.tag;
  if (for_threads) seldom().queue = for_threads->queue();
  if (receives_ && !for_threads) seldom().queue = std::make_shared<ReceiveQueue>();
  if (for_threads) seldom().for_threads = std::move(for_threads);
}

LocalMember::~LocalMember() { remove(); }

void LocalMember::remove() noexcept {
  if (!session_) return;
  lacks({});
  std::exchange(session_, nullptr)->detach(*this);
  reactor_.remove(*this);
  channel_ = nullptr;
}

void LocalMember::require_joined() const {
  if (left_) throw BadOperationException(left_text);
  if (!session_) throw ConnectionTerminatedException("the connection has ended");
}

LocalMember::Seldom& LocalMember::seldom() {
  if (!seldom_) seldom_ = std::make_unique<Seldom>();
  return *seldom_;
}

// After a slow time nothing of it stays but the count.
void LocalMember::forget_seldom() noexcept {
  if (!seldom_->backlog.empty() || seldom_->gap) return;
  if (seldom_->dropped == 0 && seldom_->id.empty() && seldom_->tag.empty() && !seldom_->options && !receives_ &&
      !seldom_->for_threads && !seldom_->awaiting && !seldom_->told && seldom_->lacking.empty() && !begins_)
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

// --- the receive form -------------------------------------------------------------------------------

void LocalMember::put(SharedBatch& batch, std::size_t first) {
  reactor_.count_delivered(batch.publications().size() - first);
  for (std::size_t i = first; i < batch.publications().size(); ++i)
    if (!put(batch.publications()[i])) break;
  if (session_) wake_receiver();
}

// False: it is too slow, and its connection is closed.
bool LocalMember::put(const Arrival& publication) {
  if (publication.given_early) return true;
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
    session_->complete(*operation);
  else
    session_->turn([&] { session_->complete(*operation); });
}

bool LocalMember::begin(detail::PublicationOperation& operation) {
  if (!receives_) throw BadOperationException("receive() needs JoinOptions::receive");
  ReceiveQueue& queue = *seldom_->queue;
  if (queue.receiver) throw BadOperationException("a receive is already waiting");
  operation.publication = queue.take();
  if (operation.publication || left_) return true;
  require_joined();
  if (session_->tasks().have_ended() && session_->tasks().ended_cleanly()) return true;
  session_->tasks().wait_for(operation);
  queue.receiver = &operation;
  return false;
}

void LocalMember::given_up(const detail::Operation& operation) noexcept {
  if (!seldom_) return;
  if (seldom_->awaiting == &operation) seldom_->awaiting = nullptr;
  if (receives_ && seldom_->queue->receiver == &operation) seldom_->queue->receiver = nullptr;
}

// --- the end ----------------------------------------------------------------------------------------

void LocalMember::session_ended() noexcept {
  if (!seldom_) return;
  seldom_->awaiting = nullptr;  // the session tells it
  if (seldom_->for_threads)
    return seldom_->for_threads->connection_ended(session_->tasks().end_reason(),
                                                   session_->tasks().ended_cleanly());
  if (!receives_) return;
  seldom_->queue->receiver = nullptr;
  seldom_->queue->end(session_->tasks().end_reason(), session_->tasks().ended_cleanly());
}

void LocalMember::session_gone() noexcept {
  if (!session_) return;
  if (seldom_ && seldom_->for_threads) seldom_->for_threads->connection_gone();
  lacks({});
  session_ = nullptr;
  reactor_.remove(*this);
  channel_ = nullptr;
}

// Whoever is resumed may be the last that needs it.
void LocalMember::leave() noexcept {
  left_ = true;
  if (!session_) return;
  runtime::Session& session = *session_;
  detail::RecoveryOperation* awaiting = nullptr;
  detail::PublicationOperation* receiver = nullptr;
  if (seldom_) {
    awaiting = std::exchange(seldom_->awaiting, nullptr);
    if (receives_) {
      receiver = std::exchange(seldom_->queue->receiver, nullptr);
      seldom_->queue->end(nullptr, true);
    }
  }
  remove();
  if (!awaiting && !receiver) return;
  const auto tell = [&] {
    if (awaiting) {
      awaiting->error = std::make_exception_ptr(BadOperationException(left_text));
      session.complete(*awaiting);
      if (session.tasks().have_ended()) return;  // which has told the other
    }
    if (receiver) session.complete(*receiver);
  };
  if (session.in_turn())
    tell();
  else
    session.turn(tell);
}

}  // namespace cppwebsocket::channels
