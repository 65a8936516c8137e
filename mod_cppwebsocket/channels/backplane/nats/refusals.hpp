// What the server refuses to take of a user without rights. It says so afterwards, by the subject, once for
// each record and in their order, and says nothing of what it took. So a channel that was refused gets no
// messages until it has not been refused for some time; records that tell of the loss are what tries it.
// Thread: one at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "channels/store/record.hpp"

namespace cppwebsocket::channels {

class NatsRefusals {
 public:
  // A record of `kind` is to be sent. False: it would be refused.
  bool may_send(std::string_view channel, RecordKind kind);
  // One was refused, of the kind that this returns.
  RecordKind refused(std::string_view channel);
  // A round is over: some seconds, much longer than a refusal takes.
  void next_round() noexcept;
  // Another link: what was sent by the one before is not heard of any more.
  void clear() noexcept { channels_.clear(); }

 private:
  static constexpr unsigned rounds_without = 2;  // a refusal, and the channel is tried

  // Sent, and perhaps to be refused yet.
  struct Sent {
    unsigned now = 0, before = 0;  // in this round and in the one before
    bool take() noexcept {
      unsigned& from = before != 0 ? before : now;
      return from != 0 && from-- != 0;
    }
  };
  struct Channel {
    Sent missed, control;
    bool is_refused = false;
    unsigned rounds = 0;  // since it was
  };
  std::unordered_map<std::string, Channel> channels_;
};

}  // namespace cppwebsocket::channels
