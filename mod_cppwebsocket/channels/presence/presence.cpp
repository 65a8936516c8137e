#include "channels/presence/presence.hpp"

#include <utility>

namespace cppwebsocket::channels {

namespace {

constexpr auto joined = Publication::Kind::joined;
constexpr auto left = Publication::Kind::left;
constexpr std::size_t bytes_of_a_node = 160;  // in the map, about

}  // namespace

std::size_t Presence::bytes_of(std::string_view id, std::string_view info) noexcept {
  return id.size() + info.size() + bytes_of_a_node;
}

Presence::Changes Presence::heard(std::string_view channel, const PresenceNote& note,
                                  std::uint64_t origin, bool far, detail::TimePoint now) {
  Changes changes;
  auto found = channels_.find(channel);
  if (note.kind == PresenceNote::Kind::left) {
    if (found == channels_.end()) return changes;
    for (const Member& member : note.members)
      if (auto seen = found->second.extract(member.id)) {
        bytes_ -= bytes_of(member.id, seen.mapped().info);
        changes.push_back({found->first, left, {member.id, std::move(seen.mapped().info)}});
      }
    if (found->second.empty()) channels_.erase(found);
    return changes;
  }
  if (note.members.empty()) return changes;
  if (found == channels_.end()) found = channels_.emplace(channel, Members()).first;
  for (const Member& member : note.members) {
    if (const auto seen = found->second.find(member.id); seen != found->second.end()) {
      seen->second.heard = now;
      continue;
    }
    const std::size_t bytes = bytes_of(member.id, member.info);
    if (bytes > most_bytes_ - bytes_) break;
    bytes_ += bytes;
    found->second.emplace(member.id, Seen{member.info, origin, far, now});
    changes.push_back({found->first, joined, member});
  }
  if (found->second.empty()) channels_.erase(found);
  return changes;
}

template <typename Predicate>
Presence::Changes Presence::drop_if(Predicate&& gone) {
  Changes changes;
  for (auto& [channel, members] : channels_)
    std::erase_if(members, [&, &name = channel](auto& each) {
      auto& [id, seen] = each;
      if (!gone(seen)) return false;
      bytes_ -= bytes_of(id, seen.info);
      changes.push_back({name, left, {id, std::move(seen.info)}});
      return true;
    });
  std::erase_if(channels_, [](const auto& channel) { return channel.second.empty(); });
  return changes;
}

Presence::Changes Presence::keep(const std::function<bool(std::uint64_t origin)>& is_alive) {
  std::map<std::uint64_t, bool> known;
  return drop_if([&](const Seen& seen) {
    if (seen.far) return false;
    const auto [alive, is_new] = known.try_emplace(seen.origin, true);
    if (is_new) alive->second = is_alive(seen.origin);
    return !alive->second;
  });
}

Presence::Changes Presence::expire(detail::TimePoint then) {
  return drop_if([&](const Seen& seen) { return seen.heard < then; });
}

std::vector<Member> Presence::present(std::string_view channel) const {
  std::vector<Member> members;
  if (const auto found = channels_.find(channel); found != channels_.end())
    for (const auto& [id, seen] : found->second) members.push_back({id, seen.info});
  return members;
}

}  // namespace cppwebsocket::channels
