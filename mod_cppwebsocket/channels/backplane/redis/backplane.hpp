// Channels over one Redis server (7, or 5 and 6 as well): publish/subscribe for the reach, a stream
// per channel with history. See keys.hpp for what it keeps there.
//
// Two connections, because a subscribed one takes no other commands. They come and go together; resolving is looking
// up names and asking Sentinels, if there are any:
//
//   resting ─timer▶ resolving ─▶ greeting (AUTH, SELECT, scripts) ─▶ up ─any trouble▶ resting
//
// Thread: a reactor's, but for what Backplane says. Destroyed once the reactor's thread has ended.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "channels/backplane/backplane.hpp"
#include "channels/backplane/redis/clock.hpp"
#include "channels/backplane/redis/endpoints.hpp"
#include "channels/backplane/redis/keys.hpp"
#include "channels/backplane/redis/lineage.hpp"
#include "channels/backplane/redis/link.hpp"
#include "channels/backplane/redis/sentinels.hpp"
#include "channels/backplane/redis/tls.hpp"
#include "channels/backplane/url.hpp"
#include "runtime/loop/posted.hpp"

namespace cppwebsocket::channels {

class RedisBackplane final : public Backplane,
                             private RedisLink::Owner,
                             private RedisSentinels::Owner,
                             private detail::TimerNode {
 public:
  // Raises runtime_error if a certificate or key of `options` cannot be used.
  RedisBackplane(runtime::EventLoop& loop, BackplaneUrl url, BackplaneOptions options);

  bool keeps_history() const noexcept override { return true; }
  void start(Listener& listener) override;
  void subscribe(std::string_view channel) override;
  void unsubscribe(std::string_view channel) override;
  bool publish(std::string_view channel, const Record& record) override;
  void append(std::string_view channel, const Record& record) override;
  void read(std::string_view channel, std::optional<Position> after, std::size_t most,
            ReadDone done) override;

 private:
  enum class State : std::uint8_t { resting, resolving, greeting, up };

  // What other threads want to have done here.
  struct Order {
    enum class Kind : std::uint8_t { subscribe, unsubscribe, publish, append, read };
    Kind kind;
    std::string channel;
    std::string envelope;        // publish, append
    RecordKind record = RecordKind::loose;  // publish
    std::uint64_t origin = 0;    // append, as the next two
    std::uint64_t sequence = 0;
    HistoryBound bound;
    std::optional<Position> after;  // read, as the next two
    std::size_t most = 0;
    ReadDone done;
  };

  // What the next reply on the connection for commands answers.
  struct Awaited {
    enum class Kind : std::uint8_t {
      ok, server, role, append_script, read_script, publish, append, read
    };
    Kind kind;
    std::string channel;         // publish, append, read
    RecordKind record = RecordKind::loose;  // publish
    std::size_t size = 0;        // of the envelope of publish and append
    std::uint64_t sequence = 0;  // append, as the next
    std::uint64_t round = 0;
    std::optional<Position> after;  // read, as the next two
    std::size_t most = 0;
    ReadDone done;
  };

  // What other threads post here takes no memory then.
  struct OrdersGiven final : runtime::Posted {
    explicit OrdersGiven(RedisBackplane& of) noexcept : backplane(of) {}
    void run() noexcept override { backplane.carry_out_orders(); }
    RedisBackplane& backplane;
  };
  using Then = void (RedisBackplane::*)(std::vector<RedisEndpoint> endpoints);
  struct LookedUp final : runtime::Posted {
    explicit LookedUp(RedisBackplane& of) noexcept : backplane(of) {}
    void run() noexcept override { (backplane.*then)(std::move(endpoints)); }
    RedisBackplane& backplane;
    Then then = nullptr;
    std::vector<RedisEndpoint> endpoints;  // none also if there was no memory for them
  };

  // backplane.cpp: the life of the connections
  void connect();
  void find(BackplaneUrl what, Then then);
  void ask_sentinels(std::vector<RedisEndpoint> sentinels);
  void open(std::vector<RedisEndpoint> endpoints);
  void greet();
  void greeted(bool& link_is_ready);
  void fail(std::string why);
  void timer_fired();
  void check_alive();
  std::string why_no_greeting() const;
  void arm(std::chrono::milliseconds time);
  void arm_next();
  void say_up();
  void log(Severity severity, const std::string& text);

  // master.cpp: where the master is, as Sentinels say
  void master_found(const std::optional<BackplaneUrl::Server>& master, const std::string& why) override;
  void master_moved(const BackplaneUrl::Server& master, const std::string& said_by) override;
  void note_replica(const RedisReplication& now);
  void note_publication(const std::string& channel);
  void doubt_publications();

  // commands.cpp: orders and replies
  void give(Order&& order);
  void carry_out_orders();
  void carry_out(Order& order);
  void send_append(Order& order);
  void send_append_script(const Order& order, std::uint64_t before, std::uint32_t time);
  void send_read(Order&& order);
  void subscribe_all();
  void forget_orders(bool publications);
  void not_sent(std::string_view channel, RecordKind record);
  void fail_awaited();
  void replied(RedisLink& link, const redisReply& reply) override;
  void broken(RedisLink& link, std::string_view why) override;
  void answered(const redisReply& reply);
  void append_answered(Awaited& awaited, const redisReply& reply);
  void pushed(const redisReply& reply);
  void received(std::string_view topic, std::string_view payload);

  // refusals.cpp: what Redis does not do, and when it is asked again
  void load_scripts();
  void refused(Awaited& awaited, const std::string& error);
  void append_refused(const Awaited& awaited, const std::string& error);
  void push_refused(const std::string& error);
  void report_refused(std::string_view channel, const std::string& error);
  void learn_server(std::string_view info);
  void learn_role(std::string_view info);
  void found_replica(const RedisReplication& now);
  void hold_and_ask();
  void ask_role();
  void hold(const std::string& why);
  void begin_round();
  void append_again();
  void try_again_later();
  void try_again();
  void writes_again();

  static constexpr char too_large_error[] = "ERR invalid bulk length";

  runtime::EventLoop& loop_;
  const BackplaneUrl url_;
  const BackplaneOptions options_;
  const RedisKeys keys_;
  const std::string topic_prefix_;

  OrdersGiven orders_given_{*this};
  LookedUp looked_up_{*this};

  std::mutex mutex_;
  std::vector<Order> orders_;  // GUARDED_BY(mutex_)

  // Thread: the reactor's, all below.
  Listener* listener_ = nullptr;
  State state_ = State::resting;
  std::unique_ptr<const RedisTls> tls_;  // null: in clear
  RedisLink commands_;
  RedisLink pushes_;
  bool commands_ready_ = false;
  bool pushes_ready_ = false;
  bool commands_silent_ = false;  // a PING is not answered
  bool pushes_silent_ = false;
  std::deque<Awaited> awaited_;
  std::uint64_t round_ = 0;        // appends of an earlier one are not answered
  std::string held_why_;           // appends are held, or were: none has been taken since
  bool held_ = false;              // until try_again()
  bool demoted_ = false;           // it says so, and is asked once more
  unsigned demoted_asked_ = 0;     // how often it has said so
  RedisEndpoints endpoints_;
  std::unique_ptr<RedisSentinels> sentinels_;  // null: there are none
  BackplaneUrl::Server named_;                 // by them
  bool moved_ = false;                         // while its name was looked up
  // One that they named has said that it is a replica, and whose: they may go on to name it for half a minute.
  std::optional<std::pair<BackplaneUrl::Server, BackplaneUrl::Server>> replica_;
  std::unordered_map<std::string, detail::TimePoint> published_;  // with Sentinels: of channels, when last
  unsigned tries_ = 0;             // in vain
  std::deque<Order> later_reads_;  // that were refused, for try_again()
  bool subscribes_later_ = false;
  std::size_t too_large_ = static_cast<std::size_t>(-1);  // bytes of an envelope that this server refused
  // Of the channels whose last append is not answered: its sequence.
  std::unordered_map<std::string, std::uint64_t> unanswered_;
  std::unordered_set<std::string> wanted_;  // channels in use
  EngineClock clock_;
  RedisLineage lineage_;
  std::string append_sha_, read_sha_, run_id_;
  unsigned attempts_ = 0;  // in vain, since the link was up for a while
  std::set<std::string> told_;  // reasons logged; empty once the link has been up for a while
  detail::TimePoint up_since_{}, down_since_{}, refused_logged_{}, strange_logged_{}, held_since_{};
  detail::TimePoint check_at_{}, try_at_{};  // try_at_: none is TimePoint::max()
  std::uint64_t refused_ = 0, strange_ = 0;  // since they were logged
  bool said_up_ = false, said_version_ = false;
  std::mt19937_64 random_;
};

}  // namespace cppwebsocket::channels
