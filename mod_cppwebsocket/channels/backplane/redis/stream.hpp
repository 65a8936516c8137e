// The bytes of a connection to Redis: over TCP or within this machine, in clear or by TLS. Never waits.
// Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "channels/backplane/redis/endpoints.hpp"
#include "channels/backplane/redis/tls.hpp"
#include "runtime/loop/descriptor.hpp"

namespace cppwebsocket::channels {

class RedisStream {
 public:
  enum class Status : std::uint8_t { done, would_block, failed };
  struct Moved {
    Status status = Status::done;
    std::size_t bytes = 0;
  };

  // Begins to connect; by TLS with `tls`, which outlives this. Empty, or what is wrong.
  std::string open(const RedisEndpoint& to, const RedisTls* tls);
  void close() noexcept;
  bool is_open() const noexcept { return descriptor_.get() >= 0; }
  int descriptor() const noexcept { return descriptor_.get(); }

  // Goes on with connecting, once the descriptor is ready.
  Status connect();
  bool has_tls() const noexcept { return static_cast<bool>(ssl_); }
  bool is_connected() const noexcept { return connected_; }
  // The server has accepted the connection, and says nothing in TLS yet.
  bool is_shaking_hands() const noexcept { return accepted_ && !connected_; }

  Moved read(std::span<char> buffer);
  Moved write(std::string_view bytes);

  // Whether what would block waits for the descriptor to be writable, and not for what the server says.
  bool waits_to_write() const noexcept { return waits_to_write_; }
  const std::string& problem() const noexcept { return problem_; }  // after failed

 private:
  Moved moved(std::int64_t result);      // of recv() or send()
  Moved moved_by_tls(int result);

  runtime::Descriptor descriptor_{-1};
  std::unique_ptr<SSL, FreeSsl> ssl_;    // before descriptor_ is closed
  bool accepted_ = false, connected_ = false, waits_to_write_ = false;
  std::string problem_;
};

}  // namespace cppwebsocket::channels
