// What this module keeps in Redis, for a channel C, and the scripts that work on it:
//
//   cppws:{C}:meta      hash: epoch (hex) and offset, the newest position of the channel, and run and
//                       reign, the run_id and master_replid of the server that counted on last
//   cppws:{C}:log       stream: the history; entry OFFSET-0 has one field m, an envelope
//   cppws:{C}:o:ORIGIN  string: the last sequence that a child has had stored, for an hour
//   cppws:DATABASE:C    the name under which C is published and subscribed
//
// With WebSocketBackplanePrefix SITE, which begins with a letter, they begin with cppws:SITE: instead of cppws:.
//
// A server that has been restarted, or was promoted, may have lost the newest records; if it gave
// their numbers again, members would take new messages for known ones. So it begins a new epoch, unless it is
// proven that it has lost none (lineage.hpp).
//
// Channels without history have no keys. All keys expire: a log after the channel's history time of
// silence, or a day without one; meta after the same, but not before a day has passed, for members
// are told of a gap when a channel begins anew. The braces put all of a channel into one slot of a
// cluster.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cppwebsocket::channels {

inline constexpr std::uint32_t remembered_seconds = 86'400;  // meta
inline constexpr std::uint32_t known_sequence_seconds = 3'600;

// The names of one site. `site` is empty where the engine has one only.
class RedisKeys {
 public:
  explicit RedisKeys(std::string_view site);

  std::string meta(std::string_view channel) const;
  std::string log(std::string_view channel) const;
  std::string origin(std::string_view channel, std::uint64_t origin) const;
  std::string topic(unsigned database, std::string_view channel) const;

 private:
  std::string key(std::string_view channel, std::string_view what) const;

  const std::string begin_;
};

// KEYS meta, log, origin. ARGV sequence, sequence of the record before it in this channel if that
// is not answered yet (or 0), a new epoch, envelope, bound in messages, seconds to keep the log,
// topic, seconds to remember the sequence, the server's run_id, seconds to keep meta, the server's reign, the one
// before or nothing, and any number of others that are whole here. Gives the record's position, or 0-0 for a
// repetition; the error CWSORDER if the record before it is missing, because it was refused: then this one must not
// overtake it.
extern const char* const redis_append_script;

// KEYS meta, log. ARGV offset to begin behind or "-" for the newest, most, and bytes: once there are as many,
// there is no more. Gives nothing for an unknown channel, or epoch, offset and the entries, oldest first: as long as
// the last of them is not at that offset, there are more behind it.
extern const char* const redis_read_script;

}  // namespace cppwebsocket::channels
