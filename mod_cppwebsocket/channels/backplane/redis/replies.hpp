// Reading what Redis sends: untrusted as far as its shape goes, since anything may write to the
// same server, or be at its address.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <hiredis.h>

#include "channels/backplane/url.hpp"
#include "channels/store/record.hpp"

namespace cppwebsocket::channels {

// The text of a string or status reply; empty for any other.
std::string_view text_of(const redisReply& reply) noexcept;

// The text of an error reply without control characters, at most 200 bytes; empty for any other.
std::string error_of(const redisReply& reply);

// What a subscribed connection gets. The views are into the reply.
struct Push {
  enum class Kind : std::uint8_t { subscribed, unsubscribed, message, pong };
  Kind kind;
  std::string_view topic;
  std::string_view payload;  // of a message
};
std::optional<Push> parse_push(const redisReply& reply) noexcept;

// What redis_read_script gives. `after` is what was asked for: it decides what `complete` says.
// Entries that are no envelopes, or older than their own bound in seconds at `now_ms`, are left out
// and make it incomplete. Empty if the reply has another shape.
std::optional<StoredHistory> parse_history(const redisReply& reply, std::optional<Position> after,
                                           std::int64_t now_ms);

// What `SENTINEL MASTER name` answers.
struct SentinelAnswer {
  BackplaneUrl::Server master;
  std::uint64_t epoch = 0;  // config-epoch: the higher, the newer

  static std::optional<SentinelAnswer> parse(const redisReply& reply);
};

// The new master in a message of +switch-master, if it is about the one of that name:
// "name old-host old-port new-host new-port".
std::optional<BackplaneUrl::Server> parse_switch(std::string_view message, std::string_view name);

}  // namespace cppwebsocket::channels
