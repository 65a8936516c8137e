// RedisBackplane's orders and the replies to them. The life of its connections is in
// backplane.cpp.
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include "channels/backplane/envelope.hpp"
#include "channels/backplane/redis/backplane.hpp"
#include "channels/backplane/redis/replies.hpp"

namespace cppwebsocket::channels {

namespace {

constexpr std::size_t read_bytes = 256 << 10;  // of a history in one reply, and at least one message
constexpr std::size_t topics_at_once = 128;          // in one SUBSCRIBE
constexpr std::chrono::seconds between_reports{60};  // of what is logged only now and then

std::string hexadecimal(std::uint64_t number) {
  char digits[16];
  return {digits, std::to_chars(digits, digits + sizeof digits, number, 16).ptr};
}

}  // namespace

// --- Thread: any --------------------------------------------------------------------------------

void RedisBackplane::subscribe(std::string_view channel) {
  give({.kind = Order::Kind::subscribe, .channel = std::string(channel)});
}

void RedisBackplane::unsubscribe(std::string_view channel) {
  give({.kind = Order::Kind::unsubscribe, .channel = std::string(channel)});
}

bool RedisBackplane::publish(std::string_view channel, const Record& record) {
  give({.kind = Order::Kind::publish,
        .channel = std::string(channel),
        .envelope = to_envelope(record, options_.instance, clock_.ahead_ms()),
        .record = record.kind});
  return true;
}

void RedisBackplane::append(std::string_view channel, const Record& record) {
  give({.kind = Order::Kind::append,
        .channel = std::string(channel),
        .envelope = to_envelope(record, options_.instance, clock_.ahead_ms()),
        .origin = record.origin,
        .sequence = record.sequence,
        .bound = record.bound});
}

void RedisBackplane::read(std::string_view channel, std::optional<Position> after,
                          std::size_t most, ReadDone done) {
  give({.kind = Order::Kind::read,
        .channel = std::string(channel),
        .after = after,
        .most = most,
        .done = std::move(done)});
}

void RedisBackplane::give(Order&& order) {
  bool first;
  {
    std::lock_guard lock(mutex_);
    first = orders_.empty();
    orders_.push_back(std::move(order));
  }
  if (first) loop_.post(orders_given_);
}

// --- Thread: the reactor's ------------------------------------------------------------------------

void RedisBackplane::carry_out_orders() {
  std::vector<Order> orders;
  {
    std::lock_guard lock(mutex_);
    orders.swap(orders_);
  }
  for (Order& order : orders) carry_out(order);
  if (state_ != State::up) return;
  commands_.flush();
  pushes_.flush();
}

void RedisBackplane::carry_out(Order& order) {
  const bool is_up = state_ == State::up;
  switch (order.kind) {
    case Order::Kind::subscribe:
      wanted_.insert(order.channel);
      if (is_up) pushes_.send({"SUBSCRIBE", topic_prefix_ + order.channel});
      break;
    case Order::Kind::unsubscribe:
      wanted_.erase(order.channel);
      if (is_up) pushes_.send({"UNSUBSCRIBE", topic_prefix_ + order.channel});
      break;
    case Order::Kind::publish:
      if (!is_up || order.envelope.size() >= too_large_) {
        if (is_up) report_refused(order.channel, too_large_error);
        not_sent(order.channel, order.record);
      } else {
        commands_.send({"PUBLISH", topic_prefix_ + order.channel, order.envelope});
        if (sentinels_ && order.record != RecordKind::control) note_publication(order.channel);
        awaited_.push_back({.kind = Awaited::Kind::publish,
                            .channel = std::move(order.channel),
                            .record = order.record,
                            .size = order.envelope.size()});
      }
      break;
    case Order::Kind::append:
      if (is_up) send_append(order);
      break;
    case Order::Kind::read:
      if (is_up)
        send_read(std::move(order));
      else
        order.done({});
      break;
  }
}

void RedisBackplane::send_append(Order& order) {
  std::uint64_t& before = unanswered_[order.channel];
  const std::uint32_t time = order.bound.seconds ? order.bound.seconds : remembered_seconds;
  const std::size_t size = order.envelope.size();
  if (size >= too_large_)  // it would end the link; its refusal stands in its place
    commands_.send({"PING"});
  else
    send_append_script(order, before, time);
  before = order.sequence;
  awaited_.push_back({.kind = Awaited::Kind::append,
                      .channel = std::move(order.channel),
                      .size = size,
                      .sequence = order.sequence,
                      .round = round_});
}

void RedisBackplane::send_append_script(const Order& order, std::uint64_t before, std::uint32_t time) {
  const std::string meta = keys_.meta(order.channel), log = keys_.log(order.channel),
                    origin = keys_.origin(order.channel, order.origin),
                    sequence = std::to_string(order.sequence), last = std::to_string(before),
                    epoch = hexadecimal(random_() | engine_epoch),
                    most = std::to_string(order.bound.messages), keep = std::to_string(time),
                    topic = topic_prefix_ + order.channel,
                    known = std::to_string(known_sequence_seconds),
                    remembered = std::to_string(std::max(time, remembered_seconds));
  std::vector<std::string_view> words{
      "EVALSHA", append_sha_, "3", meta, log, origin, sequence, last, epoch, order.envelope, most,
      keep, topic, known, lineage_.run_id(), remembered, lineage_.reign(), lineage_.reign_before()};
  words.insert(words.end(), lineage_.whole().begin(), lineage_.whole().end());
  commands_.send(words);
}

void RedisBackplane::send_read(Order&& order) {
  commands_.send({"EVALSHA", read_sha_, "2", keys_.meta(order.channel),
                  keys_.log(order.channel),
                  order.after ? std::to_string(order.after->offset) : "-",
                  std::to_string(order.most), std::to_string(read_bytes)});
  awaited_.push_back({.kind = Awaited::Kind::read,
                      .channel = std::move(order.channel),
                      .after = order.after,
                      .most = order.most,
                      .done = std::move(order.done)});
}

void RedisBackplane::subscribe_all() {
  std::vector<std::string> topics;
  for (auto channel = wanted_.begin(); channel != wanted_.end();) {
    topics.assign({"SUBSCRIBE"});
    for (; channel != wanted_.end() && topics.size() <= topics_at_once; ++channel)
      topics.push_back(topic_prefix_ + *channel);
    pushes_.send(std::vector<std::string_view>(topics.begin(), topics.end()));
  }
  pushes_.flush();
}

// The listener has been told that the link is down, or that nothing is to be appended: what it had
// given before goes nowhere.
void RedisBackplane::forget_orders(bool publications) {
  std::vector<Order> forgotten;
  {
    std::lock_guard lock(mutex_);
    std::erase_if(orders_, [&](Order& order) {
      if (order.kind == Order::Kind::append) return true;
      if (!publications || order.kind != Order::Kind::publish) return false;
      forgotten.push_back(std::move(order));
      return true;
    });
  }
  for (const Order& order : forgotten) not_sent(order.channel, order.record);
}

void RedisBackplane::not_sent(std::string_view channel, RecordKind record) {
  if (record != RecordKind::control) listener_->not_sent(channel, record);
}

// Nobody knows what became of what is not answered.
void RedisBackplane::fail_awaited() {
  std::deque<Awaited> awaited;
  awaited.swap(awaited_);
  for (Awaited& one : awaited) {
    if (one.kind == Awaited::Kind::read) one.done({});
    if (one.kind == Awaited::Kind::publish) not_sent(one.channel, one.record);
  }
  std::deque<Order> later;
  later.swap(later_reads_);
  for (Order& one : later) one.done({});
}

void RedisBackplane::broken(RedisLink&, std::string_view why) { fail(std::string(why)); }

void RedisBackplane::replied(RedisLink& link, const redisReply& reply) {
  if (&link == &commands_) return answered(reply);
  if (reply.type == REDIS_REPLY_ERROR) return push_refused(error_of(reply));
  if (reply.type != REDIS_REPLY_STATUS) pushed(reply);  // +OK is for AUTH
}

void RedisBackplane::answered(const redisReply& reply) {
  using Kind = Awaited::Kind;
  if (awaited_.empty()) return fail("it sent a reply to nothing");
  Awaited awaited = std::move(awaited_.front());
  awaited_.pop_front();
  if (reply.type == REDIS_REPLY_ERROR) return refused(awaited, error_of(reply));
  switch (awaited.kind) {
    case Kind::append_script: append_sha_ = text_of(reply); break;
    case Kind::read_script: read_sha_ = text_of(reply); break;
    case Kind::server: return learn_server(text_of(reply));
    case Kind::role: return learn_role(text_of(reply));
    case Kind::read: {
      auto history = parse_history(reply, awaited.after, clock_.now_ms());
      if (history)
        for (Record& record : history->records) clock_.make_ours(record);
      awaited.done(history ? std::move(*history) : StoredHistory{});
      break;
    }
    case Kind::append: return append_answered(awaited, reply);
    case Kind::ok:
    case Kind::publish: break;
  }
}

void RedisBackplane::append_answered(Awaited& awaited, const redisReply& reply) {
  if (awaited.round != round_) return;
  if (awaited.size >= too_large_) return append_refused(awaited, too_large_error);
  const std::optional<Position> at = Position::parse(text_of(reply));
  if (!at) return fail("it answered a script with something else");
  const auto last = unanswered_.find(awaited.channel);
  if (last != unanswered_.end() && last->second == awaited.sequence) unanswered_.erase(last);
  if (!held_why_.empty()) writes_again();
  listener_->appended(at);
}

void RedisBackplane::pushed(const redisReply& reply) {
  const auto push = parse_push(reply);
  if (!push) return fail("it sent something else than messages");
  if (push->kind == Push::Kind::pong) {
    pushes_silent_ = false;
    return;
  }
  if (push->kind == Push::Kind::unsubscribed || !push->topic.starts_with(topic_prefix_)) return;
  const std::string_view channel = push->topic.substr(topic_prefix_.size());
  if (push->kind == Push::Kind::message) return received(channel, push->payload);
  if (channel.empty()) return greeted(pushes_ready_);
  if (wanted_.contains(std::string(channel))) listener_->subscribed(channel);
}

void RedisBackplane::received(std::string_view channel, std::string_view payload) {
  if (channel.empty()) return;
  auto envelope = parse_envelope(payload);
  const bool has_number = envelope && is_numbered(envelope->record.kind);
  if (const auto version = envelope ? std::nullopt : other_envelope_version(payload)) {
    if (!std::exchange(said_version_, true))
      log(Severity::warning, say_other_version(url_.to_string(), *version));
    return;
  }
  if (!envelope || (has_number && envelope->record.position.offset == 0)) {
    ++strange_;
    if (loop_.now() - strange_logged_ < between_reports) return;
    strange_logged_ = loop_.now();
    log(Severity::warning, "CWS0043: " + std::to_string(std::exchange(strange_, 0)) +
                               " messages in the backplane were not written by this module, and "
                               "are ignored; the last one for a channel name of " +
                               std::to_string(channel.size()) + " bytes");
    return;
  }
  if (!has_number && envelope->instance == options_.instance) return;
  clock_.make_ours(envelope->record);
  listener_->received(channel, std::move(envelope->record));
}

}  // namespace cppwebsocket::channels
