// What a connection's gatekeeper has said, for a while: a page that publishes each second is not asked about each
// second. Thread: the connection's.
#pragma once

#include "channels/conversation/gatekeeper.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace cppwebsocket::channels {

class Permissions {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr auto lifetime = std::chrono::seconds(60);

  // Of at most so many channels.
  explicit Permissions(std::size_t most) noexcept : most_(most) {}

  std::optional<Permission> known(Access access, const std::string& channel, Time now) const {
    const auto found = known_.find({channel, access});
    if (found == known_.end() || now - found->second.second >= lifetime) return std::nullopt;
    return found->second.first;
  }

  // What could not be found out is asked again. Raises bad_alloc.
  void keep(Access access, const std::string& channel, const Permission& permission, Time now) {
    if (permission.word == Permission::Word::unknown) return;
    if (known_.size() >= most_) std::erase_if(known_, [&](const auto& each) {
      return now - each.second.second >= lifetime;
    });
    if (known_.size() >= most_) known_.clear();
    known_.insert_or_assign({channel, access}, std::pair(permission, now));
  }

  std::size_t size() const noexcept { return known_.size(); }

 private:
  const std::size_t most_;
  std::map<std::pair<std::string, Access>, std::pair<Permission, Time>> known_;
};

}  // namespace cppwebsocket::channels
