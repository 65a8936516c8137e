// How members begin: where their place is, and how far back there is something for them.
#include <algorithm>
#include <ranges>
#include <utility>

#include "channels/members/hub.hpp"
#include "channels/members/reactor_channels.hpp"
#include "runtime/session/event_loop.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::channels {

namespace {

constexpr std::size_t everything = static_cast<std::size_t>(-1);
constexpr std::uint64_t most_at_once = 1'000;  // messages that are looked at in the join itself

bool is_engines(const Position& position) noexcept { return (position.epoch & engine_epoch) != 0; }

// What of `early` was given before those.
Follow::Early without(Follow::Early early, const std::vector<Record>& given) {
  for (const Record& record : given | std::views::reverse)
    for (auto& [origin, sequence] : early)
      if (record.kind == RecordKind::provisional && record.origin == origin)
        sequence = std::min(sequence, record.sequence - 1);
  return early;
}

// It missed nothing until it had its place: what came since is given as to all who are here, whether or not
// that is kept.
bool is_behind(const Position& place, const Position& resume, const Position& newest) noexcept {
  return place.epoch == newest.epoch && resume.epoch == newest.epoch && resume.offset >= place.offset &&
         resume.offset <= newest.offset;
}

// How many are to be looked at, at most.
std::uint64_t messages_behind(const Position& newest, const JoinOptions& options) noexcept {
  if (!options.resume) return std::min<std::uint64_t>(options.history, newest.offset);
  if (options.resume->epoch != newest.epoch) return options.history;
  return std::max<std::uint64_t>(options.history,
                                 newest.offset - std::min(newest.offset, options.resume->offset));
}

}  // namespace

LocalMember& ReactorChannels::join(runtime::Session& session, std::string_view name,
                                   const ChannelOptions& channel_options, JoinOptions&& options,
                                   std::shared_ptr<BlockingMember> for_threads) {
  const Reservation reserved = hub_.take_reservation(session.record(), name);
  const Place place = reserved ? reserved.place() : hub_.place(name, false);
  LocalChannel& channel = channel_named(name, channel_options);
  if (channel.members.size() > LocalMember::last_place)
    throw BadOperationException("no more members fit into a channel");
  auto member = std::make_unique<LocalMember>(*this, channel, session, channel_options, options,
                                              std::move(for_threads));
  member->place_ = channel.members.size() & LocalMember::last_place;
  channel.members.push_back(member.get());
  ++channel.count;
  hub_.joined(*member, channel.name, options.presence);
  session.attach(*member);
  begin(*member, place, options);
  return *member.release();
}

// What is behind its place and what it asks for is in the rings, and is read from there. Only what
// has no offset, and so no place in the channel, is looked for now.
void ReactorChannels::begin(LocalMember& member, const Place& place, const JoinOptions& options) {
  LocalChannel& channel = *member.channel();
  const Position newest = hub_.store().position(channel.name);
  std::vector<Record> unnumbered;
  const bool has_all = reader_.read_unnumbered(*channel.follow, place, unnumbered);
  const std::size_t skipped = place.heads.empty() ? 0 : channel.arrived.size();
  const bool looks_back = options.resume || options.history != 0 || may_lag(member, place);
  const bool is_newest =
      place.position == newest || (place.position.offset == 0 && newest.offset == 0);
  if (!looks_back && is_newest && unnumbered.empty() && has_all && skipped == 0)
    return member.begin({false, newest});

  Beginning& own = member.begin_later();
  own.place = place;
  own.came_back = options.resume.has_value();
  if (options.resume && options.resume->epoch != 0) own.resume = options.resume;
  own.history = options.history;
  own.skipped = skipped;
  if (options.resume && channel.follow->early)
    member.lacks(without(*channel.follow->early, unnumbered));
  for (Record& each : unnumbered) own.held.push_back(arrival_of(std::move(each)));
  if (!has_all) own.held.emplace_back().kind = Publication::Kind::gap;
  if (looks_back && messages_behind(newest, options) > most_at_once) return member.list();
  look_back(member);
}

// Published elsewhere before it joined, and not yet here: that is not for it.
bool ReactorChannels::may_lag(const LocalMember& member, const Place& place) const noexcept {
  return hub_.uplink() && member.options().history != 0 && !place.is_current;
}

// Shared memory first. What it does not have, other machines may have: until they have answered, the
// member gets nothing. What came meanwhile is in shared memory, and so the two join without a gap.
void ReactorChannels::look_back(LocalMember& member) {
  Beginning& own = *member.its_beginning();
  Extent missed;
  if (own.resume) missed = hub_.store().extent(member.channel()->name, own.resume, everything);
  if (!missed.complete && own.elsewhere) return member.begin({true, *own.elsewhere});
  own.elsewhere.reset();
  const bool asks =
      !own.has_asked && ((!missed.complete && own.resume) || may_lag(member, own.place));
  own.has_asked |= asks;
  if (asks && ask_uplink(member, own.resume)) return;
  begin_behind(member, missed);
}

bool ReactorChannels::ask_uplink(LocalMember& member, const std::optional<Position>& after) {
  if (!hub_.uplink()) return false;
  const std::uint64_t ticket = ++last_ticket_;
  recovering_.emplace(ticket, &member);
  const bool asked = hub_.uplink()->recover(
      member.channel()->name, after, [this, ticket](StoredHistory&& found) {
        loop_.post([this, ticket, found = std::move(found)]() mutable {
          recovered(ticket, std::move(found));
        });
      });
  if (!asked) recovering_.erase(ticket);
  return asked;
}

// What was found goes first; how far shared memory has what is behind it, it looks then.
void ReactorChannels::recovered(std::uint64_t ticket, StoredHistory&& found) {
  const auto waiting = recovering_.extract(ticket);
  if (waiting.empty()) return;  // it has left
  LocalMember& member = *waiting.mapped();
  Beginning& own = *member.its_beginning();
  if (!own.recovering) {
    own.is_asking = false;
    return member.go_on_with(std::move(found));
  }
  if (own.resume && found.complete) {
    own.at = found.records.empty() ? found.newest : *own.resume;
    own.take(std::move(found));
    own.resume = own.at;
  } else {
    own.resume.reset();
  }
  member.list();
}

// It is being given its past, and has been given all that it holds.
void ReactorChannels::ask_for_more(LocalMember& member) {
  Beginning& own = *member.its_beginning();
  if (own.is_asking) return;
  const std::string& channel = member.channel()->name;
  const bool is_here = hub_.store().extent(channel, own.at, everything).complete;
  own.is_asking = !is_here && ask_uplink(member, own.at);
  if (!own.is_asking) member.go_on_with({});
}

// While the engine is away, others may publish what comes later; and what has no number nobody finds again.
bool ReactorChannels::knows_what_was_published(const LocalMember& member,
                                               const Position& newest) const noexcept {
  if (!hub_.uplink()) return true;
  const bool are_numbered =
      is_engines(newest) || (member.options().history != 0 && hub_.uplink()->gives_numbers());
  return are_numbered && hub_.store().child_counters().up != 0;
}

// With all that it missed, or, if something of that is lost, with the history that it wants instead;
// in any case with what is behind its place.
void ReactorChannels::begin_behind(LocalMember& member, const Extent& missed) {
  LocalChannel& channel = *member.channel();
  Beginning& own = *member.its_beginning();
  if (missed.complete) {
    own.at = missed.from;
    const bool is_all = knows_what_was_published(member, missed.newest);
    return member.begin({is_all, is_all ? missed.newest : missed.from});
  }
  own.first.clear();
  const Position newest = hub_.store().position(channel.name);
  const Position& place = own.place.position;
  if (own.resume && is_behind(place, *own.resume, newest)) {
    own.at = *own.resume;
    return member.begin({knows_what_was_published(member, newest), own.at});
  }
  own.at = newest;
  if (place.epoch == newest.epoch) {
    own.at = place;
  } else if (!is_engines(newest) || own.place.is_current) {
    // The channel has begun anew since. What was in the old epoch behind the place, nobody knows.
    own.at.offset = 0;
    if (place.offset != 0 && is_engines(place) == is_engines(newest))
      own.first.push_back(gap_until(own.at));
  }
  const Position behind = own.at;  // what comes with an older position is history
  if (own.history != 0) {
    const Extent wanted = hub_.store().extent(channel.name, std::nullopt, own.history);
    if (wanted.newest.epoch == own.at.epoch)
      own.at.offset = std::min(own.at.offset, wanted.from.offset);
  }
  member.begin({false, behind});
}

}  // namespace cppwebsocket::channels
