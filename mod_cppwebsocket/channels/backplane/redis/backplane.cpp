#include "channels/backplane/redis/backplane.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "channels/backplane/redis/keys.hpp"
#include "runtime/loop/blocking_pool.hpp"

namespace cppwebsocket::channels {

namespace {

using std::chrono::milliseconds, std::chrono::seconds;

constexpr milliseconds greeting_time{5'000};  // from the first SYN to the last answer
constexpr milliseconds check_time{5'000};     // between checks, and for the answer
constexpr milliseconds shortest_rest{100};
constexpr milliseconds longest_rest{5'000};
constexpr std::size_t most_told = 16;
constexpr seconds a_while{10};  // a link that was up for so long is no flapping one

}  // namespace

RedisBackplane::RedisBackplane(runtime::EventLoop& loop, BackplaneUrl url, BackplaneOptions options)
    : loop_(loop),
      url_(std::move(url)),
      options_(std::move(options)),
      keys_(options_.prefix),
      topic_prefix_(keys_.topic(url_.database, "")),
      tls_(url_.has_tls() ? std::make_unique<const RedisTls>(options_.tls) : nullptr),
      commands_(loop, *this),
      pushes_(loop, *this),
      random_(std::random_device()()) {
  if (!url_.master.empty())
    sentinels_ = std::make_unique<RedisSentinels>(loop_, static_cast<RedisSentinels::Owner&>(*this), url_, options_, tls_.get());
  fire = [](TimerNode& node) { static_cast<RedisBackplane&>(node).timer_fired(); };
}

void RedisBackplane::start(Listener& listener) {
  loop_.post([this, &listener] {
    listener_ = &listener;
    down_since_ = loop_.now();
    connect();
  });
}

void RedisBackplane::connect() {
  state_ = State::resolving;
  find(url_, sentinels_ ? &RedisBackplane::ask_sentinels : &RedisBackplane::open);
}

void RedisBackplane::find(BackplaneUrl what, Then then) {
  if (auto numeric = numeric_endpoints(what)) return (this->*then)(std::move(*numeric));
  looked_up_.then = then;
  loop_.call_pool().run([this, what = std::move(what)]() noexcept {
    try {
      looked_up_.endpoints = look_up(what);
    } catch (const std::bad_alloc&) {
      looked_up_.endpoints.clear();
    }
    loop_.post(looked_up_);
  });
}

void RedisBackplane::open(std::vector<RedisEndpoint> endpoints) {
  state_ = State::greeting;
  commands_ready_ = pushes_ready_ = commands_silent_ = pushes_silent_ = false;
  endpoints_.set(std::move(endpoints));
  if (endpoints_.count() == 0) return fail("its host name has no address");
  if (std::exchange(moved_, false)) return fail("another is the master now");
  const RedisEndpoint& to = endpoints_.next();
  for (RedisLink* link : {&commands_, &pushes_})
    if (const std::string problem = link->open(to, tls_.get()); !problem.empty()) return fail(problem);
  greet();
  arm(greeting_time);
}

void RedisBackplane::greet() {
  using enum Awaited::Kind;
  const auto ask = [this](Awaited::Kind kind, std::initializer_list<std::string_view> words) {
    commands_.send(words);
    awaited_.push_back({.kind = kind});
  };
  if (!options_.password.empty()) {
    if (options_.user.empty()) {
      ask(ok, {"AUTH", options_.password});
      pushes_.send({"AUTH", options_.password});
    } else {
      ask(ok, {"AUTH", options_.user, options_.password});
      pushes_.send({"AUTH", options_.user, options_.password});
    }
  }
  if (url_.database != 0) ask(ok, {"SELECT", std::to_string(url_.database)});
  load_scripts();
  ask(server, {"INFO", "server"});
  ask(role, {"INFO", "replication"});
  // No channel has an empty name: this shows that subscribing works, and nothing is sent there.
  pushes_.send({"SUBSCRIBE", topic_prefix_});
}

void RedisBackplane::greeted(bool& link_is_ready) {
  link_is_ready = true;
  if (state_ != State::greeting || !commands_ready_ || !pushes_ready_) return;
  state_ = State::up;
  endpoints_.works();
  replica_.reset();
  up_since_ = loop_.now();
  check_at_ = up_since_ + check_time;
  try_at_ = detail::TimePoint::max();
  arm_next();
  if (!said_up_) say_up();
  subscribe_all();
  listener_->link_up();
}

void RedisBackplane::say_up() {
  said_up_ = true;
  const auto down = std::chrono::duration_cast<milliseconds>(up_since_ - down_since_);
  log(Severity::notice,
      "CWS0038: connected to the backplane " + url_.to_string() +
          (endpoints_.count() > 1 || sentinels_ ? ", at " + endpoints_.current().to_string() + "," : "") + " after " +
          std::to_string(down.count()) + " ms" +
          (url_.has_tls() && !options_.tls.verify
               ? ". " + std::string(not_verified)
               : ""));
}

void RedisBackplane::fail(std::string why) {
  if (state_ == State::resting) return;
  const bool was_up = state_ == State::up;
  if (endpoints_.count() > 1 || (sentinels_ && state_ != State::resolving)) why = endpoints_.current().to_string() + ": " + why;
  // Each once: several addresses may give several reasons in turn.
  if (told_.size() >= most_told) told_.clear();
  const bool is_news = told_.insert(why).second;
  state_ = State::resting;
  commands_.close();
  pushes_.close();
  begin_round();
  held_ = demoted_ = subscribes_later_ = false;
  tries_ = demoted_asked_ = 0;
  if (was_up) down_since_ = loop_.now();
  if (is_news && was_up)
    log(Severity::warning, "CWS0039: the backplane " + url_.to_string() + " is down: " + why +
                               ". Messages reach this machine only; those of channels with "
                               "history follow later");
  else if (is_news)
    log(Severity::error, "CWS0040: cannot use the backplane " + url_.to_string() + ": " + why +
                             ". It is tried again");
  if (is_news) said_up_ = false;  // one that flaps for one reason is not told again and again
  milliseconds longest = shortest_rest;  // one more address is no reason to wait
  if (endpoints_.round_is_over()) longest = std::min(longest_rest, shortest_rest * (1u << std::min(attempts_++, 8u)));
  arm(milliseconds(std::uniform_int_distribution<std::int64_t>(longest.count() / 2,
                                                               longest.count())(random_)));
  if (was_up) listener_->link_down();
  fail_awaited();
  forget_orders(true);
}

void RedisBackplane::timer_fired() {
  switch (state_) {
    case State::resting: return connect();
    case State::resolving: return;
    case State::greeting: return fail(why_no_greeting());
    case State::up: break;
  }
  if (loop_.now() >= try_at_) try_again();
  if (state_ == State::up && loop_.now() >= check_at_) check_alive();
  if (state_ == State::up) arm_next();
}

std::string RedisBackplane::why_no_greeting() const {
  return commands_.is_shaking_hands() || pushes_.is_shaking_hands()
             ? "no answer to TLS within 5 s: it may not speak that at this port"
             : "no answer within 5 s";
}

void RedisBackplane::check_alive() {
  // A slow link is no dead one: the answer may be behind what still comes.
  const bool commands_move = commands_.has_moved(), pushes_move = pushes_.has_moved();
  if ((commands_silent_ && !commands_move) || (pushes_silent_ && !pushes_move))
    return fail("no answer within 5 s");
  if (loop_.now() - up_since_ >= a_while) {
    attempts_ = 0;
    told_.clear();
  }
  if (!std::exchange(commands_silent_, true)) {
    commands_.send({"INFO", "server"});  // machines' clocks are set now and then
    awaited_.push_back({.kind = Awaited::Kind::server});
    ask_role();
  }
  if (!std::exchange(pushes_silent_, true)) pushes_.send({"PING"});
  pushes_.flush();
  check_at_ = loop_.now() + check_time;
  if (sentinels_) sentinels_->check();
}

void RedisBackplane::arm_next() { loop_.arm(*this, std::min(check_at_, try_at_)); }

void RedisBackplane::arm(milliseconds time) { loop_.arm(*this, loop_.now() + time); }

void RedisBackplane::log(Severity severity, const std::string& text) {
  if (options_.log) options_.log(severity, text);
}

}  // namespace cppwebsocket::channels
