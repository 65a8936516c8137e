// What an application says to an event: an HTTP status, and a flat JSON object (docs/hooks.md). It is believed, but not
// that it is well-formed. Thread: any.
#pragma once

#include <cppwebsocket/close.hpp>
#include <cppwebsocket/message.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cppwebsocket::channels {

struct HookResponse;

struct HookAnswer {
  enum class Word : std::uint8_t { yes, no, none };  // none: it has not answered, or nothing that can be read

  Word word = Word::yes;
  int status = 0;      // its own, 4xx, if `no`
  std::string reason;  // no: for the client, may be empty. none: for the log

  std::optional<std::string> user;           // connect; empty: none
  std::vector<std::string> channels;         // connect
  std::optional<std::int64_t> expires_at;    // connect: seconds since 1970
  std::optional<std::string> welcome;        // connect, "data"
  std::optional<std::string> presence;       // subscribe
  std::optional<Message> message;            // publish, message: "data" or "base64"
  std::string channel;                       // message: where that is published
  std::vector<std::string> send;             // message, as the next
  std::vector<std::string> subscribe, unsubscribe;
  std::optional<CloseCode> close;
};

// Raises std::bad_alloc.
HookAnswer answer_of(const HookResponse& response);

}  // namespace cppwebsocket::channels
