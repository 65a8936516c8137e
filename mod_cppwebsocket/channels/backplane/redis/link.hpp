// One connection to Redis on a reactor, without a thread of its own: commands out, replies in.
// hiredis' asynchronous API is not used: it ends the process when a reply is not one that it
// expects.
// Thread: the reactor's.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <hiredis.h>

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

  // Begins to connect; commands may be queued at once. `address` is numeric: a name would have to
  // be looked up, which may wait. Empty, or what is wrong.
  std::string open(const std::string& address, std::uint16_t port);
  void close() noexcept;
  bool is_open() const noexcept { return static_cast<bool>(connection_); }

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
    void operator()(redisContext* connection) const noexcept { ::redisFree(connection); }
  };

  void on_ready(bool readable, bool writable, bool hung_up) override;
  void read_replies();
  void write_queued();
  void fail_to_write();
  void fail();

  runtime::EventLoop& loop_;
  Owner& owner_;
  std::unique_ptr<redisContext, Free> connection_;
  bool wants_write_ = false;
  bool has_moved_ = false;
};

}  // namespace cppwebsocket::channels
