// Where a Redis may be: the addresses of all servers that WebSocketBackplane names, and which of them is next.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include "channels/backplane/url.hpp"

namespace cppwebsocket::channels {

struct RedisEndpoint {
  std::string host;            // as the URL has it, which is what a certificate is for; of a Unix socket: its path
  sockaddr_storage address{};  // of a family of its own each
  socklen_t size = 0;

  std::string to_string() const;  // for logs
  bool operator==(const RedisEndpoint& other) const noexcept;
};

// Of all servers, in their order; a name without an address has none. May wait for name servers.
std::vector<RedisEndpoint> look_up(const BackplaneUrl& url);
// The same, if there is nothing to be looked up.
std::optional<std::vector<RedisEndpoint>> numeric_endpoints(const BackplaneUrl& url);

// They are of one deployment: the one that worked last is tried first, and then the others in turn.
// Thread: one.
class RedisEndpoints {
 public:
  // What there is now. Names may lead elsewhere than before.
  void set(std::vector<RedisEndpoint> found) { all_ = std::move(found); }
  std::size_t count() const noexcept { return all_.size(); }

  // Not if there are none.
  const RedisEndpoint& next();
  const RedisEndpoint& current() const noexcept { return current_; }

  void works() {
    last_ = current_;
    tried_ = 0;
  }
  // This one, which has worked, is not what is to be tried first.
  void pass_over() noexcept {
    if (tried_ == 0) tried_ = 1;
  }
  // Each was tried as often as the others.
  bool round_is_over() const noexcept { return all_.empty() || tried_ % all_.size() == 0; }

 private:
  std::vector<RedisEndpoint> all_;
  RedisEndpoint current_, last_;  // last_: of size 0 if none has worked
  std::size_t tried_ = 0;         // since one worked
};

}  // namespace cppwebsocket::channels
