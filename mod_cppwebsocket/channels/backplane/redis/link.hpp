// One connection to Redis on a reactor, without a thread of its own: commands out, replies in.
// hiredis makes the one and reads the other; the bytes go by a RedisStream. Its asynchronous API is not used:
// it ends the process when a reply is not one that it expects.
// Thread: the reactor's.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <hiredis.h>

#include "channels/backplane/redis/stream.hpp"
#include "runtime/loop/descriptor_watcher.hpp"
#include "runtime/session/event_loop.hpp"

namespace cppwebsocket::channels {

class RedisLink final : private runtime::DescriptorWatcher {
 public:
  // May close the link, but not destroy it.
  class Owner {
   public:
    virtual void replied(RedisLink& link, const redisReply& reply) = 0;
    // Once for a link that was open, which it is no more. Not after close().
    virtual void broken(RedisLink& link, std::string_view why) = 0;

   protected:
    ~Owner() = default;
  };

  RedisLink(runtime::EventLoop& loop, Owner& owner) noexcept : loop_(loop), owner_(owner) {}
  ~RedisLink() { close(); }
  RedisLink(const RedisLink&) = delete;
  RedisLink& operator=(const RedisLink&) = delete;

  // Begins to connect, by TLS with `tls`, which outlives this; commands may be queued at once. Empty, or what is
  // wrong.
  std::string open(const RedisEndpoint& to, const RedisTls* tls);
  void close() noexcept;
  bool is_open() const noexcept { return stream_.is_open(); }
  // Accepted, and not a word of TLS comes to an end.
  bool is_shaking_hands() const noexcept { return stream_.is_shaking_hands(); }

  // Whether bytes have come or gone since this was last asked.
  bool has_moved() noexcept { return std::exchange(has_moved_, false); }

  // Queues a command; it goes out with flush().
  void send(std::span<const std::string_view> words);
  void send(std::initializer_list<std::string_view> words) {
    send(std::span(words.begin(), words.size()));
  }
  void flush();

 private:
  struct Free {
    void operator()(redisReader* reader) const noexcept { ::redisReaderFree(reader); }
  };

  void on_ready(bool readable, bool writable, bool hung_up) override;
  void go_on_connecting();
  void read_replies();
  void write_queued();
  void fail_to_write(std::string why);
  void fail(std::string why);

  runtime::EventLoop& loop_;
  Owner& owner_;
  RedisStream stream_;
  std::unique_ptr<redisReader, Free> reader_;
  std::string output_;
  std::size_t sent_ = 0;  // bytes of it
  bool wants_write_ = false;
  bool has_moved_ = false;
  bool has_heard_ = false;  // anything, since it was opened
};

}  // namespace cppwebsocket::channels
