// RedisBackplane with Sentinels: which Redis is the master, and what to think of one that was.
#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "channels/backplane/redis/backplane.hpp"

namespace cppwebsocket::channels {

namespace {

// Longer than it takes until all machines have heard of another master.
constexpr std::chrono::seconds doubtful_time{2};
constexpr std::size_t many_channels = 4'096;

}  // namespace

void RedisBackplane::ask_sentinels(std::vector<RedisEndpoint> sentinels) {
  if (sentinels.empty()) return fail("its Sentinels' host names have no address");
  sentinels_->ask(sentinels);
}

void RedisBackplane::master_found(const std::optional<BackplaneUrl::Server>& master, const std::string& why) {
  if (state_ != State::resolving) return;
  if (!master) return fail(why);
  named_ = replica_ && *master == replica_->first ? replica_->second : *master;
  moved_ = false;
  BackplaneUrl where = url_;
  where.servers = {named_};
  find(std::move(where), &RedisBackplane::open);
}

// For some seconds the one that was it answers as before, and nobody hears it: it is left at once.
void RedisBackplane::master_moved(const BackplaneUrl::Server& master, const std::string& said_by) {
  if (state_ == State::resolving) moved_ = true;
  if (state_ == State::resolving || (state_ != State::resting && master == named_)) return;
  if (state_ == State::up) doubt_publications();
  attempts_ = 0;
  if (state_ != State::resting) return fail("the Sentinel " + said_by + " says that " + master.to_string() + " is the master now");
  arm(std::chrono::milliseconds(0));
}

// Its master may be the new one, while Sentinels still name this.
void RedisBackplane::note_replica(const RedisReplication& now) {
  const std::size_t colon = now.master.rfind(':');
  BackplaneUrl::Server master{.host = now.master.substr(0, colon)};
  const char* const port = now.master.data() + colon + 1;
  std::from_chars(port, now.master.data() + now.master.size(), master.port);
  if (!master.host.empty() && master.port != 0) replica_ = {named_, std::move(master)};
}

// --- what was published to a master that was none any more ------------------------------------------

void RedisBackplane::note_publication(const std::string& channel) {
  if (published_.size() >= many_channels)
    std::erase_if(published_, [&](const auto& one) { return loop_.now() - one.second > doubtful_time; });
  published_[channel] = loop_.now();
}

// It has answered that it has sent it, to whoever was still there.
void RedisBackplane::doubt_publications() {
  for (const auto& [channel, when] : std::exchange(published_, {}))
    if (loop_.now() - when <= doubtful_time) not_sent(channel, RecordKind::loose);
}

}  // namespace cppwebsocket::channels
