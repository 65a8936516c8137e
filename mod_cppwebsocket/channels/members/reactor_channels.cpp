#include "channels/members/reactor_channels.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include "channels/members/hub.hpp"
#include "runtime/session/event_loop.hpp"
#include "runtime/loop/prefetch.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::channels {

namespace {

constexpr std::size_t records_per_round = 512;
constexpr std::size_t members_per_round = 1024;  // deliveries, each about a system call
constexpr auto look_interval = std::chrono::seconds(1);

}  // namespace

ReactorChannels::ReactorChannels(Hub& hub, runtime::EventLoop& loop, unsigned number)
    : hub_(hub), loop_(loop), is_first_(number == 0), reader_(hub.store(), number), replays_(hub.store()) {
  fire = [](TimerNode& node) { static_cast<ReactorChannels&>(node).look_for_the_dead(); };
}

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
  if (!armed()) loop_.arm(*this, loop_.now() + look_interval);
  return channel;
}

// The list stays as it is while it is being gone through.
void ReactorChannels::remove(LocalMember& member) noexcept {
  LocalChannel& channel = *member.channel();
  if (Beginning* const beginning = member.its_beginning()) {
    if (member.is_recovering() || beginning->is_asking)
      std::erase_if(recovering_, [&](const auto& each) { return each.second == &member; });
    if (std::exchange(beginning->is_listed, false)) replays_.unlist(member);
    if (std::exchange(beginning->replays, false)) replays_.end(channel);
  }
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

void ReactorChannels::forget(LocalMember& member) noexcept {
  member.leave();
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

void ReactorChannels::arrive(LocalChannel& channel, Arrival&& publication) {
  if (!channel.is_busy) {
    busy_.push_back(&channel);
    channel.is_busy = true;
  }
  channel.arrived.push_back(std::move(publication));
}

void ReactorChannels::received(Follow& follow, Record&& record) {
  arrive(*static_cast<LocalChannel*>(follow.owner), arrival_of(std::move(record)));
}

// Where all have it, the newest of them is enough.
void ReactorChannels::given_early(Follow& follow, Record&& record) {
  LocalChannel& channel = *static_cast<LocalChannel*>(follow.owner);
  const bool is_lost = record.kind == RecordKind::lost;
  Arrival arrival = arrival_of(std::move(record));
  if (is_lost) arrival.kind = Publication::Kind::gap;
  arrival.given_early = true;
  if (channel.behind == 0 && !channel.arrived.empty() && channel.arrived.back().given_early)
    channel.arrived.back() = std::move(arrival);
  else
    arrive(channel, std::move(arrival));
}

void ReactorChannels::gap(Follow& follow, Position, Position to) {
  ++hub_.counters().gaps;
  arrive(*static_cast<LocalChannel*>(follow.owner), gap_until(to));
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
  Arrival publication;
  publication.kind = kind;
  publication.member = member;
  arrive(*found->second, std::move(publication));
}

bool ReactorChannels::prepare_to_wait() noexcept {
  return busy_.empty() && replays_.empty() && !more_to_read_ && reader_.prepare_to_wait();
}

void ReactorChannels::run() noexcept {
  delivering_ = true;
  share_.begin_turn();
  try {
    if (busy_.empty()) more_to_read_ = reader_.read(*this, records_per_round);
    deliver();
  } catch (...) {  // no memory: what it was for is lost, and the members are told
    ++hub_.counters().gaps;
    if (batch_) end_delivery();
  }
  replays_.run();
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
      LocalMember* const member = channel.members[next_];
      if (!member) continue;
      if (!member->prepare(*batch_, share_)) return;
      member->deliver(*batch_);
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

// Members want to know what a child had published when it died. Nobody else does: who comes later
// finds it, and a new child frees the seat that it takes. And the table wants to know who has members.
void ReactorChannels::look_for_the_dead() noexcept {
  hub_.store().memory().look_for_the_dead();
  try {
    reader_.renew(*this);
  } catch (...) {  // no memory
    ++hub_.counters().gaps;
  }
  if (!channels_.empty()) loop_.arm(*this, loop_.now() + look_interval);
}

void ReactorChannels::count_dropped(std::uint64_t count) noexcept {
  hub_.counters().dropped += count;
}

void ReactorChannels::count_closed_slow() noexcept { ++hub_.counters().closed_slow; }

}  // namespace cppwebsocket::channels
