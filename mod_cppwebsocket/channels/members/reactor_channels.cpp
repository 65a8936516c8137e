#include "channels/members/reactor_channels.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "channels/members/hub.hpp"
#include "runtime/session/event_loop.hpp"
#include "runtime/loop/prefetch.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::channels {

namespace {

constexpr std::size_t records_per_round = 512;
constexpr std::size_t members_per_round = 1024;  // deliveries, each about a system call
constexpr std::size_t everything = static_cast<std::size_t>(-1);

Publication publication_of(Record&& record) {
  Publication publication;
  publication.message = std::move(record.message);
  publication.position = record.position;
  return publication;
}

std::vector<Publication> publications_of(std::vector<Record>&& records) {
  std::vector<Publication> publications;
  publications.reserve(records.size());
  for (Record& each : records) publications.push_back(publication_of(std::move(each)));
  return publications;
}

}  // namespace

ReactorChannels::ReactorChannels(Hub& hub, runtime::EventLoop& loop, unsigned number)
    : hub_(hub), loop_(loop), is_first_(number == 0), reader_(hub.store(), number) {}

ReactorChannels::~ReactorChannels() = default;

// --- members ----------------------------------------------------------------------------------------

LocalChannel& ReactorChannels::channel_named(std::string_view name,
                                             const ChannelOptions& options) {
  if (const auto found = channels_.find(name); found != channels_.end()) return *found->second;
  auto made = std::make_unique<LocalChannel>();
  made->name = name;
  made->options = options;
  made->follow = &reader_.follow(made->name, made.get());
  LocalChannel& channel = *made;
  channels_.emplace(channel.name, std::move(made));
  return channel;
}

LocalMember& ReactorChannels::join(runtime::Session& session, std::string_view name,
                                   const ChannelOptions& channel_options, JoinOptions&& options,
                                   bool blocking) {
  LocalChannel& channel = channel_named(name, channel_options);
  if (channel.members.size() > LocalMember::last_place)
    throw BadOperationException("no more members fit into a channel");
  auto member = std::make_unique<LocalMember>(*this, channel, session, channel_options, options,
                                              blocking);
  member->place_ = channel.members.size() & LocalMember::last_place;
  channel.members.push_back(member.get());
  ++channel.count;
  hub_.joined(*member, channel.name, options.presence);
  session.attach(*member);
  begin(*member, channel.name, options);
  return *member.release();
}

// Shared memory first. What it does not have, other machines may have: until they have answered, the
// member gets nothing. What came meanwhile is in shared memory, and so the two join without a gap.
void ReactorChannels::begin(LocalMember& member, const std::string& channel,
                            const JoinOptions& options) {
  // Published elsewhere before it joined, and not yet here: that is not for it.
  const bool may_lag = hub_.uplink() && member.options().history != 0;
  if (!options.resume && options.history == 0 && !may_lag)
    return answer(member, {}, {{}, hub_.store().position(channel), false});
  StoredHistory missed;
  if (options.resume) missed = hub_.store().history(channel, options.resume, everything);
  if (missed.complete || !hub_.uplink())
    return begin_with(member, channel, options, {}, std::move(missed));

  const std::uint64_t ticket = ++last_ticket_;
  recovering_.emplace(ticket, &member);
  member.await_recovery();
  const bool asked = hub_.uplink()->recover(
      channel, options.resume, [this, ticket, channel, options](StoredHistory&& found) {
        loop_.post([this, ticket, channel, options, found = std::move(found)]() mutable {
          recovered(ticket, channel, options, std::move(found));
        });
      });
  if (asked) return;
  recovering_.erase(ticket);
  begin_with(member, channel, options, {}, std::move(missed));
}

void ReactorChannels::recovered(std::uint64_t ticket, const std::string& channel,
                                const JoinOptions& options, StoredHistory&& found) {
  const auto waiting = recovering_.extract(ticket);
  if (waiting.empty()) return;  // it has left
  LocalMember& member = *waiting.mapped();
  StoredHistory then;
  if (options.resume && found.complete)
    then = hub_.store().history(channel, found.newest, everything);
  member.session()->turn([&] {
    begin_with(member, channel, options, publications_of(std::move(found.records)),
               std::move(then));
  });
}

// With all that it missed, or, if something of that is lost, with the history that it wants instead.
void ReactorChannels::begin_with(LocalMember& member, const std::string& channel,
                                 const JoinOptions& options, std::vector<Publication>&& first,
                                 StoredHistory&& then) {
  if (!then.complete) {
    first.clear();
    if (options.history != 0)
      then = hub_.store().history(channel, std::nullopt, options.history);
    else
      then = {{}, hub_.store().position(channel), false};
    then.complete = false;
  }
  answer(member, std::move(first), std::move(then));
}

void ReactorChannels::answer(LocalMember& member, std::vector<Publication>&& first,
                             StoredHistory&& then) {
  for (Record& each : then.records) first.push_back(publication_of(std::move(each)));
  SharedBatch batch(std::move(first));
  member.begin_with(batch, {then.complete, then.newest});
}

// The list stays as it is while it is being gone through.
void ReactorChannels::remove(LocalMember& member) noexcept {
  LocalChannel& channel = *member.channel();
  if (member.is_recovering())
    std::erase_if(recovering_, [&](const auto& each) { return each.second == &member; });
  hub_.left(member, channel.name);
  --channel.count;
  channel.members[member.place_] = nullptr;
  if (channel.is_busy) return;
  LocalMember* const last = channel.members.back();
  channel.members.pop_back();
  if (last) {
    channel.members[member.place_] = last;
    last->place_ = member.place_;
  }
  if (channel.count == 0) forget(channel);
}

void ReactorChannels::leave(LocalMember& member) noexcept {
  member.remove();
  if (delivering_)
    left_.push_back(&member);
  else
    delete &member;
}

void ReactorChannels::forget(LocalChannel& channel) noexcept {
  reader_.unfollow(*channel.follow);
  channels_.erase(channel.name);
}

// Closes the gaps that were left while it was busy.
void ReactorChannels::settle(LocalChannel& channel) noexcept {
  if (channel.count == 0) return forget(channel);
  if (channel.count == channel.members.size()) return;
  std::erase(channel.members, nullptr);
  for (std::size_t i = 0; i < channel.members.size(); ++i)
    channel.members[i]->place_ = i & LocalMember::last_place;
}

// --- what comes -------------------------------------------------------------------------------------

void ReactorChannels::arrive(LocalChannel& channel, Publication&& publication) {
  if (!channel.is_busy) {
    busy_.push_back(&channel);
    channel.is_busy = true;
  }
  channel.arrived.push_back(std::move(publication));
}

void ReactorChannels::received(Follow& follow, Record&& record) {
  arrive(*static_cast<LocalChannel*>(follow.owner), publication_of(std::move(record)));
}

void ReactorChannels::gap(Follow& follow, Position, Position to) {
  ++hub_.counters().gaps;
  Publication publication;
  publication.kind = Publication::Kind::gap;
  publication.position = to;
  arrive(*static_cast<LocalChannel*>(follow.owner), std::move(publication));
}

void ReactorChannels::control(std::string_view channel, Record&& record) {
  if (is_first_ && hub_.directory()) hub_.directory()->control(channel, record, false);
}

void ReactorChannels::lost_control() {
  if (is_first_ && hub_.directory()) hub_.directory()->lost_control();
}

std::vector<Member> ReactorChannels::present(std::string_view channel) {
  return hub_.presence(channel);
}

void ReactorChannels::tell(std::string_view channel, Publication::Kind kind,
                           const Member& member) {
  const auto found = channels_.find(channel);
  if (found == channels_.end()) return;
  Publication publication;
  publication.kind = kind;
  publication.member = member;
  arrive(*found->second, std::move(publication));
}

bool ReactorChannels::prepare_to_wait() noexcept {
  return busy_.empty() && !more_to_read_ && reader_.prepare_to_wait();
}

void ReactorChannels::run() noexcept {
  delivering_ = true;
  try {
    if (busy_.empty()) more_to_read_ = reader_.read(*this, records_per_round);
    deliver();
  } catch (...) {  // no memory: what it was for is lost, and the members are told
    ++hub_.counters().gaps;
    if (batch_) end_delivery();
  }
  delivering_ = false;
  for (LocalMember* member : std::exchange(left_, {})) delete member;
  if (delivered_ != 0) hub_.counters().delivered += std::exchange(delivered_, 0);
}

void ReactorChannels::deliver() {
  std::size_t left = members_per_round;
  while (!busy_.empty() && left != 0) {
    LocalChannel& channel = *busy_.front();
    if (!batch_) {
      batch_.emplace(std::exchange(channel.arrived, {}));
      next_ = 0;
      until_ = channel.members.size();
    }
    for (; next_ < until_ && left != 0; ++next_, --left) {
      fetch_ahead(channel);
      if (LocalMember* const member = channel.members[next_]) member->deliver(*batch_);
    }
    if (next_ == until_) end_delivery();
  }
}

// As in Reactor::fetch_ahead(): what the next members need comes while the kernel serves this one.
void ReactorChannels::fetch_ahead(const LocalChannel& channel) const noexcept {
  const auto member_after = [&](std::size_t turns) {
    return next_ + turns < until_ ? channel.members[next_ + turns] : nullptr;
  };
  runtime::prefetch(member_after(3), sizeof(LocalMember));
  if (const LocalMember* const member = member_after(2))
    if (member->session()) member->session()->fetch();
  if (const LocalMember* const member = member_after(1))
    if (member->session()) member->session()->fetch_parts();
}

void ReactorChannels::end_delivery() noexcept {
  LocalChannel& channel = *busy_.front();
  batch_.reset();
  busy_.pop_front();
  channel.is_busy = !channel.arrived.empty();
  if (channel.is_busy)
    busy_.push_back(&channel);
  else
    settle(channel);
}

void ReactorChannels::count_dropped(std::uint64_t count) noexcept {
  hub_.counters().dropped += count;
}

void ReactorChannels::count_closed_slow() noexcept { ++hub_.counters().closed_slow; }

}  // namespace cppwebsocket::channels
