// Who is visible in which channel, as far as a child has heard; its own members are heard of in the
// same way, so that all children see them come and go in the order of the messages around them.
// Pure logic: no thread, clock or store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <cppwebsocket/detail/operations.hpp>
#include <cppwebsocket/publication.hpp>

#include "channels/presence/note.hpp"

namespace cppwebsocket::channels {

class Presence {
 public:
  // Knows members of about so many bytes in all, and none beyond: who tells of them may be anybody.
  explicit Presence(std::size_t most_bytes = 64 << 20) noexcept : most_bytes_(most_bytes) {}

  struct Change {
    std::string channel;
    Publication::Kind kind;  // joined or left
    Member member;
    friend bool operator==(const Change&, const Change&) = default;
  };
  using Changes = std::vector<Change>;

  // What the child `origin` says; `far`: it is another machine's. Returns what is new.
  Changes heard(std::string_view channel, const PresenceNote& note, std::uint64_t origin, bool far,
                detail::TimePoint now);

  // The members of this machine's children that do not live have left. Asks once for each child.
  Changes keep(const std::function<bool(std::uint64_t origin)>& is_alive);

  // So have those who were last heard of before `then`. All members are announced again from time
  // to time, so this finds those whose leaving was lost, or whose machine has vanished.
  Changes expire(detail::TimePoint then);

  std::vector<Member> present(std::string_view channel) const;  // in the order of their ids
  bool empty() const noexcept { return channels_.empty(); }

 private:
  struct Seen {
    std::string info;
    std::uint64_t origin;
    bool far;
    detail::TimePoint heard;
  };
  using Members = std::map<std::string, Seen, std::less<>>;  // by Member::id

  static std::size_t bytes_of(std::string_view id, std::string_view info) noexcept;
  template <typename Predicate>
  Changes drop_if(Predicate&& gone);

  const std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::map<std::string, Members, std::less<>> channels_;  // none is empty
};

}  // namespace cppwebsocket::channels
