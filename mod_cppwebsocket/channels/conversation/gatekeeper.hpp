// Who may do what in which channel: asked by a conversation, answered by httpd.
#pragma once

#include <cppwebsocket/publication.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace cppwebsocket::channels {

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
};

class Gatekeeper {
 public:
  virtual ~Gatekeeper() = default;

  // May wait, for as long as it takes to find out. `channel` is the name of one. Thread: any, one at a time.
  virtual Permission ask(Access access, std::string_view channel) = 0;
};

}  // namespace cppwebsocket::channels
