// What a channel gives to those who look at it: publications, members, history. Plain values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <cppwebsocket/message.hpp>
#include <cppwebsocket/position.hpp>

namespace cppwebsocket {

// What a channel keeps for those who come later or come back. Each publish with a bound sets it; a
// channel keeps its last one. Everything lives in memory, of which each channel has a share; what is above
// it may be pushed out early by others (WebSocketChannelMemory). A reader is always told.
struct ChannelOptions {
  std::uint32_t history = 0;             // messages kept at most; 0: none
  std::chrono::seconds history_time{0};  // and not longer than this; 0: no limit
  // What a connection publishes tells everybody who gets it the user that httpd has authenticated (Request::user).
  bool tell_publisher = false;

  friend bool operator==(const ChannelOptions&, const ChannelOptions&) = default;
};

enum class PublishStatus : std::uint8_t {
  accepted,   // in its channel, behind all that this thread has published there before
  too_large,  // larger than a quarter of this child's share of WebSocketChannelMemory
  no_room,    // more channels at once than WebSocketChannelMemory has room for
};

struct PublishResult {
  PublishStatus status = PublishStatus::accepted;
  Position position;  // of the message; {0, 0} if its number comes later, from a backplane

  explicit operator bool() const noexcept { return status == PublishStatus::accepted; }
};

// One who is visible in a channel: it joined with JoinOptions::presence.
struct Member {
  std::string id;    // unique among all members everywhere; a new one for each join
  std::string info;  // what its handler gave as JoinOptions::presence

  friend bool operator==(const Member&, const Member&) = default;
};

// What one receive of a membership gives.
struct Publication {
  enum class Kind : std::uint8_t {
    message,  // `message`, at `position`
    joined,   // `member` came (JoinOptions::events)
    left,     // `member` went (JoinOptions::events)
    gap,      // messages before this point are lost for this member; `position` is the last of them
  };

  Kind kind = Kind::message;
  Message message;
  Position position;
  std::optional<Member> member;
  // Of a message: when it was published, in UTC; 1970 if it is not known. What other machines publish has the time of their
  // clock, where a backplane has none of its own.
  std::chrono::sys_time<std::chrono::milliseconds> time{};
  // The user who has published it; empty if nobody was authenticated, or ChannelOptions::tell_publisher was not set.
  std::string publisher{};
  // What its publisher asked for in event streams (docs/channels.md): the event's name, and after how long a client that
  // loses its stream comes back. Empty and 0: nothing.
  std::string event{};
  std::chrono::milliseconds retry{};
};

// Part of a channel's past, oldest first.
struct History {
  std::vector<Publication> publications;
  Position newest;        // of the channel, now: where a later call may go on
  bool complete = false;  // nothing is missing between the position that was asked for and these
};

// What became of JoinOptions::resume.
struct Recovery {
  // The member has got, or gets first, exactly what it missed. False, too, where that cannot be known: while
  // the link to a backplane is down what it missed may come later, and what is behind `position` does.
  bool recovered = false;
  Position position;       // where it goes on from
};

// What happens to a member whose client takes messages more slowly than they come, once
// JoinOptions::max_queued bytes wait for it. The others are never delayed.
enum class SlowPolicy : std::uint8_t {
  close,        // its connection is closed with 1013, so that it can come back and resume
  drop_oldest,  // it misses the oldest of those that wait, and is told where it can be
  drop_newest,  // it misses what comes until there is room, and is told where it can be
};

inline constexpr std::size_t max_presence = 1024;  // bytes

struct JoinOptions {
  // The last position that the client had: it gets what came since, then what is new. Whether that
  // was possible tells recovery(); with Position() it is not. Nothing is sent twice, and nothing is left
  // out silently.
  std::optional<Position> resume = {};
  // Without `resume`, or if that was not possible: start with the newest so many messages. What is
  // missed or asked for waits in the channel and comes in pieces, each when the one before is taken.
  std::uint32_t history = 0;
  // Makes the member visible in presence(), with this text for the others: at most max_presence.
  std::optional<std::string> presence = {};
  SlowPolicy slow = SlowPolicy::close;
  std::size_t max_queued = 0;  // bytes, then `slow` applies; 0: WebSocketSendBufferSize
  // False: messages go straight to the client, without waking the handler. True: they wait for
  // receive(), and the handler decides what the client gets.
  bool receive = false;
  // Wraps what goes straight to the client in JSON, which tells positions, gaps and members
  // (docs/handlers.md). Binary messages become base64.
  bool json = false;
  // Also tells who comes and goes: to receive(), or in the JSON.
  bool events = false;
  // What is published with `except` of this tag (docs/channels.md) it does not get: at most 64 bytes.
  std::string tag = {};
};

}  // namespace cppwebsocket
