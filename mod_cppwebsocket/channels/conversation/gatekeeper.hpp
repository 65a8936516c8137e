// Who may do what in which channel: asked by a conversation, answered by httpd, and by an application where there is one.
#pragma once

#include <cppwebsocket/publication.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "channels/hooks/answer.hpp"

namespace cppwebsocket::channels {

struct Hook;

enum class Access : std::uint8_t { read, publish };

struct Permission {
  enum class Word : std::uint8_t {
    yes,
    no,
    unknown,     // it could not be found out now
    no_channel,  // none can be reached under this name
  };

  Word word = Word::unknown;
  ChannelOptions options;            // of the channel, if `yes`
  std::size_t most_bytes = 0;        // of a message, if `yes`
  std::string reason;                // an application's, why not; may be empty
  std::optional<std::string> presence;  // read: with what its application has the client seen
  std::shared_ptr<const Hook> each;  // publish: who is asked about each message; null: nobody
};

class Gatekeeper {
 public:
  virtual ~Gatekeeper() = default;

  // May wait, for as long as it takes to find out. `channel` is the name of one. Thread: any, one at a time.
  virtual Permission ask(Access access, std::string_view channel) = 0;

  // The same, of one message, which the application may change. Of a permission with `each`.
  virtual Permission ask(const Permission& permission, std::string_view channel, Message& message) = 0;
};

}  // namespace cppwebsocket::channels
