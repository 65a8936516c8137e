// The Sentinels that know which Redis is the master. Each may be cut off, or slow to hear of another master: so all of
// them are asked, and the newest answer counts; and all of them are listened to, and the first that tells of
// another master counts.
// Thread: the reactor's.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "channels/backplane/backplane.hpp"
#include "channels/backplane/redis/endpoints.hpp"
#include "channels/backplane/redis/link.hpp"
#include "channels/backplane/redis/replies.hpp"
#include "channels/backplane/redis/tls.hpp"
#include "channels/backplane/url.hpp"

namespace cppwebsocket::channels {

class RedisSentinels final : private RedisLink::Owner, private detail::TimerNode {
 public:
  class Owner {
   public:
    // Once for each ask(). Nothing: none of them names a master, because of `why`.
    virtual void master_found(const std::optional<BackplaneUrl::Server>& master, const std::string& why) = 0;
    // The master is another one than was found. Not between ask() and master_found().
    virtual void master_moved(const BackplaneUrl::Server& master, const std::string& said_by) = 0;

   protected:
    ~Owner() = default;
  };

  // `url`, `options` and `tls`, which is null for connections in clear, outlive it.
  RedisSentinels(runtime::EventLoop& loop, Owner& owner, const BackplaneUrl& url, const BackplaneOptions& options,
                 const RedisTls* tls);

  void ask(const std::vector<RedisEndpoint>& sentinels);
  // Once every some seconds: who does not answer is asked anew.
  void check();

 private:
  static constexpr std::chrono::milliseconds asking_time{500};

  struct Sentinel {
    Sentinel(runtime::EventLoop& loop, RedisSentinels& of, RedisEndpoint where) : link(loop, of), at(std::move(where)) {}
    RedisLink link;
    RedisEndpoint at;
    bool has_logged_in = false;     // or was refused, which is no matter where it has no password
    bool has_answered = false;      // to the last question
    bool is_silent = false;         // a PING is not answered
    std::string problem;
  };

  void open(Sentinel& sentinel);
  void replied(RedisLink& link, const redisReply& reply) override;
  void broken(RedisLink& link, std::string_view why) override;
  void answered(Sentinel& sentinel, const redisReply& reply);
  void heard(const SentinelAnswer& answer, const Sentinel& from);
  void finish_if_all_have_answered();
  void finish();
  Sentinel& of(RedisLink& link) noexcept;

  runtime::EventLoop& loop_;
  Owner& owner_;
  const BackplaneUrl& url_;
  const BackplaneOptions& options_;
  const RedisTls* const tls_;
  std::vector<std::unique_ptr<Sentinel>> all_;
  std::optional<SentinelAnswer> newest_;
  bool is_asking_ = false;
};

}  // namespace cppwebsocket::channels
