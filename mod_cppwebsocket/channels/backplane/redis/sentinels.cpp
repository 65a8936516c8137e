#include "channels/backplane/redis/sentinels.hpp"

#include <algorithm>
#include <utility>

namespace cppwebsocket::channels {

namespace {

constexpr std::string_view switch_topic = "+switch-master";

}  // namespace

RedisSentinels::RedisSentinels(runtime::EventLoop& loop, Owner& owner, const BackplaneUrl& url,
                               const BackplaneOptions& options, const RedisTls* tls)
    : loop_(loop), owner_(owner), url_(url), options_(options), tls_(tls) {
  fire = [](TimerNode& node) { static_cast<RedisSentinels&>(node).finish(); };
}

void RedisSentinels::ask(const std::vector<RedisEndpoint>& sentinels) {
  all_.clear();
  newest_.reset();
  for (const RedisEndpoint& one : sentinels) all_.push_back(std::make_unique<Sentinel>(loop_, *this, one));
  is_asking_ = true;
  for (const auto& one : all_) open(*one);
  loop_.arm(*this, loop_.now() + asking_time);
}

// What it is asked and the subscription go out together: no other master comes between the two.
void RedisSentinels::open(Sentinel& sentinel) {
  sentinel.has_answered = sentinel.is_silent = false;
  sentinel.has_logged_in = options_.password.empty();
  sentinel.problem = sentinel.link.open(sentinel.at, tls_);
  if (!sentinel.problem.empty()) return;
  if (!sentinel.has_logged_in && options_.user.empty()) sentinel.link.send({"AUTH", options_.password});
  if (!sentinel.has_logged_in && !options_.user.empty())
    sentinel.link.send({"AUTH", options_.user, options_.password});
  sentinel.link.send({"SENTINEL", "MASTER", url_.master});
  sentinel.link.send({"SUBSCRIBE", switch_topic});
}

void RedisSentinels::check() {
  for (const auto& one : all_) {
    if (!one->link.is_open() || one->is_silent) {
      open(*one);
      continue;
    }
    one->is_silent = true;
    one->link.send({"PING"});
    one->link.flush();
  }
}

void RedisSentinels::replied(RedisLink& link, const redisReply& reply) {
  Sentinel& from = of(link);
  if (!std::exchange(from.has_logged_in, true)) return;
  if (!from.has_answered) return answered(from, reply);
  const auto push = parse_push(reply);
  if (!push) {
    from.problem = reply.type == REDIS_REPLY_ERROR ? error_of(reply) : "it sent something else than messages";
    return link.close();
  }
  from.is_silent = false;
  if (push->kind != Push::Kind::message || push->topic != switch_topic) return;
  const auto master = parse_switch(push->payload, url_.master);
  if (master && !(newest_ && newest_->master == *master))
    heard({*master, newest_ ? newest_->epoch + 1 : 0}, from);
}

void RedisSentinels::answered(Sentinel& from, const redisReply& reply) {
  from.has_answered = true;
  const auto answer = SentinelAnswer::parse(reply);
  if (answer) return heard(*answer, from);
  from.problem = reply.type == REDIS_REPLY_ERROR ? error_of(reply) : "it sent something else than a master";
  from.link.close();
  finish_if_all_have_answered();
}

void RedisSentinels::heard(const SentinelAnswer& answer, const Sentinel& from) {
  const bool is_news = !newest_ || answer.epoch > newest_->epoch;
  const bool is_other = newest_ && !(answer.master == newest_->master);
  if (is_news) newest_ = answer;
  if (is_asking_) return finish_if_all_have_answered();
  if (is_news && is_other) owner_.master_moved(answer.master, from.at.to_string());
}

void RedisSentinels::broken(RedisLink& link, std::string_view why) {
  of(link).problem = why;
  finish_if_all_have_answered();
}

void RedisSentinels::finish_if_all_have_answered() {
  const bool all = std::ranges::all_of(all_, [](const auto& one) { return one->has_answered || !one->link.is_open(); });
  if (is_asking_ && all) loop_.arm(*this, loop_.now());  // not here: the owner may ask anew
}

void RedisSentinels::finish() {
  if (!std::exchange(is_asking_, false)) return;
  if (newest_) return owner_.master_found(newest_->master, {});
  std::string why = "no Sentinel names a master \"" + url_.master + "\"";
  for (const auto& one : all_)
    why += ", " + one->at.to_string() + ": " + (one->problem.empty() ? "no answer" : one->problem);
  owner_.master_found(std::nullopt, why);
}

RedisSentinels::Sentinel& RedisSentinels::of(RedisLink& link) noexcept {
  return **std::ranges::find_if(all_, [&](const auto& one) { return &one->link == &link; });
}

}  // namespace cppwebsocket::channels
