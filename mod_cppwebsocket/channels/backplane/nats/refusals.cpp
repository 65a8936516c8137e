#include "channels/backplane/nats/refusals.hpp"

#include <iterator>
#include <utility>

namespace cppwebsocket::channels {

bool NatsRefusals::may_send(std::string_view channel, RecordKind kind) {
  if (kind == RecordKind::loose) {
    if (channels_.empty()) return true;
    const auto found = channels_.find(std::string(channel));
    return found == channels_.end() || !found->second.is_refused;
  }
  Channel& here = channels_[std::string(channel)];
  if (kind == RecordKind::missed) return ++here.missed.now, true;
  if (here.is_refused) return false;
  return ++here.control.now, true;
}

RecordKind NatsRefusals::refused(std::string_view channel) {
  Channel& here = channels_[std::string(channel)];
  here.is_refused = true;
  here.rounds = 0;
  if (here.missed.take()) return RecordKind::missed;
  if (here.control.take()) return RecordKind::control;
  return RecordKind::loose;
}

void NatsRefusals::next_round() noexcept {
  for (auto each = channels_.begin(); each != channels_.end();) {
    Channel& here = each->second;
    for (Sent* sent : {&here.missed, &here.control}) sent->before = std::exchange(sent->now, 0);
    if (here.is_refused && ++here.rounds >= rounds_without) here.is_refused = false;
    const bool is_done = !here.is_refused && here.missed.before == 0 && here.control.before == 0;
    each = is_done ? channels_.erase(each) : std::next(each);
  }
}

}  // namespace cppwebsocket::channels
