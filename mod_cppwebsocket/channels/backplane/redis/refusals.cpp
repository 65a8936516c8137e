// What Redis does not do, and when it is asked again. Most errors are about one record, or go by; as long
// as they last only what they are about has to wait.
#include <algorithm>

#include "channels/backplane/redis/backplane.hpp"
#include "channels/backplane/redis/errors.hpp"
#include "channels/backplane/redis/keys.hpp"
#include "channels/backplane/redis/replies.hpp"

namespace cppwebsocket::channels {

namespace {

using std::chrono::milliseconds, std::chrono::seconds;

constexpr milliseconds longest_pause{5'000};
constexpr seconds between_refusals{60};
constexpr unsigned most_demoted_asked = 2;  // times, with pauses of half a second and one

std::string with_cure(const std::string& error) {
  const std::string_view cure = cure_of(error);
  return cure.empty() ? error : error + " (" + std::string(cure) + ")";
}

}  // namespace

void RedisBackplane::load_scripts() {
  commands_.send({"SCRIPT", "LOAD", redis_append_script});
  awaited_.push_back({.kind = Awaited::Kind::append_script});
  commands_.send({"SCRIPT", "LOAD", redis_read_script});
  awaited_.push_back({.kind = Awaited::Kind::read_script});
}

void RedisBackplane::refused(Awaited& awaited, const std::string& error) {
  const ErrorKind kind = kind_of(error);
  switch (awaited.kind) {
    case Awaited::Kind::append: return append_refused(awaited, error);
    case Awaited::Kind::publish:
      not_sent(awaited.channel, awaited.record);
      if (kind == ErrorKind::link) return fail(error);
      if (error.find("invalid bulk length") != error.npos)
        too_large_ = std::min(too_large_, awaited.size);
      return report_refused(awaited.channel, "PUBLISH: " + error);
    case Awaited::Kind::read:
      if (kind == ErrorKind::link) {
        awaited.done({});
        return fail(error);
      }
      if (kind == ErrorKind::again || kind == ErrorKind::later || kind == ErrorKind::replica) {
        if (error.starts_with("NOSCRIPT")) load_scripts();
        later_reads_.push_back({.kind = Order::Kind::read,
                                .channel = std::move(awaited.channel),
                                .after = awaited.after,
                                .most = awaited.most,
                                .done = std::move(awaited.done)});
        return try_again_later();
      }
      report_refused(awaited.channel, "reading a history: " + error);
      return awaited.done({.refused = true});
    case Awaited::Kind::server:
    case Awaited::Kind::role:
      if (state_ == State::up && kind != ErrorKind::link && kind != ErrorKind::rights) {
        commands_silent_ = false;  // BUSY, say: it lives
        return;
      }
      [[fallthrough]];
    default: return fail(with_cure(error));
  }
}

void RedisBackplane::append_refused(const Awaited& awaited, const std::string& error) {
  if (awaited.round != round_) return;
  switch (kind_of(error)) {
    case ErrorKind::link: return fail(error);
    case ErrorKind::again:
      if (error.starts_with("NOSCRIPT")) load_scripts();
      return append_again();
    case ErrorKind::replica: return hold_and_ask();
    case ErrorKind::later:
    case ErrorKind::rights:
    case ErrorKind::elsewhere: return hold(error);
    case ErrorKind::record: break;
  }
  if (error.find("invalid bulk length") != error.npos)
    too_large_ = std::min(too_large_, awaited.size);
  report_refused(awaited.channel, error);
  listener_->appended(std::nullopt);
  begin_round();
  listener_->take_appends();
}

// The answer to a PING or a SUBSCRIBE.
void RedisBackplane::push_refused(const std::string& error) {
  const ErrorKind kind = kind_of(error);
  const bool goes_by = kind == ErrorKind::later || kind == ErrorKind::replica;
  if (state_ != State::up || !goes_by) return fail(with_cure(error));
  pushes_silent_ = false;
  if (error.starts_with("MISCONF")) return;  // to a PING: nothing else is refused for that
  subscribes_later_ = true;
  try_again_later();
}

// --- what waits -----------------------------------------------------------------------------------

// What was appended so far is not answered any more.
void RedisBackplane::begin_round() {
  ++round_;
  unanswered_.clear();
  forget_orders(false);
}

void RedisBackplane::append_again() {
  listener_->hold_appends();
  begin_round();
  listener_->take_appends();
}

void RedisBackplane::hold(const std::string& why) {
  const auto code = [](const std::string& error) { return error.substr(0, error.find(' ')); };
  if (code(why) != code(held_why_)) {
    if (held_why_.empty()) held_since_ = loop_.now();
    log(Severity::error, "CWS0065: the backplane " + url_.to_string() +
                             " does not store what has a history: " + with_cure(why) +
                             ". That waits here, members on this machine have it, and all else goes "
                             "on. It is tried again");
    held_why_ = why;
  }
  held_ = true;
  listener_->hold_appends();
  begin_round();
  try_again_later();
}

void RedisBackplane::try_again_later() {
  if (try_at_ != detail::TimePoint::max()) return;
  try_at_ = loop_.now() + std::min(longest_pause, milliseconds(500) * (1u << std::min(tries_, 8u)));
  ++tries_;
  arm_next();
}

void RedisBackplane::try_again() {
  try_at_ = detail::TimePoint::max();
  if (demoted_) return ask_role();
  if (held_) {
    held_ = false;
    listener_->take_appends();
  }
  for (Order& each : std::exchange(later_reads_, {})) send_read(std::move(each));
  if (std::exchange(subscribes_later_, false)) subscribe_all();
  commands_.flush();
}

void RedisBackplane::writes_again() {
  tries_ = 0;
  held_why_.clear();
  const auto held = std::chrono::duration_cast<seconds>(loop_.now() - held_since_);
  log(Severity::notice, "CWS0065: the backplane " + url_.to_string() +
                            " stores again what has a history, after " +
                            std::to_string(held.count()) + " s");
}

// --- what it is -----------------------------------------------------------------------------------

void RedisBackplane::learn_server(std::string_view info) {
  std::string run_id = info_field(info, "run_id:");
  if (run_id.empty()) return fail("its INFO has no run_id");
  if (info_field(info, "redis_mode:") == "sentinel")
    return fail("it is a Sentinel: WebSocketBackplane has to name the Redis itself, or to be redis+sentinel://");
  if (run_id != run_id_) too_large_ = static_cast<std::size_t>(-1);
  run_id_ = std::move(run_id);
  clock_.heard(info_field(info, "server_time_usec:"));
}

// At the greeting, and at each check.
void RedisBackplane::learn_role(std::string_view info) {
  const RedisReplication now = RedisReplication::parse(info);
  commands_silent_ = false;
  if (now.reign.empty()) return fail("its INFO has no master_replid");
  if (now.is_replica) return found_replica(now);
  if (state_ == State::greeting) {
    lineage_.met(run_id_, now);
    return greeted(commands_ready_);
  }
  lineage_.watched(now);
  if (std::exchange(demoted_, false)) {  // it is a master again, or has been all the time
    tries_ = demoted_asked_ = 0;
    try_again();
  }
  listener_->works();
}

// Nobody at the master hears what is published here, and a demoted server does not close its connections. It is
// asked for a moment longer, until it goes on as the other's replica: then it is known that nothing is lost.
void RedisBackplane::found_replica(const RedisReplication& now) {
  const bool may_name_successor = state_ == State::up && demoted_asked_ < most_demoted_asked;
  if (may_name_successor && !lineage_.demoted(now)) {
    ++demoted_asked_;
    hold_and_ask();
    return;
  }
  endpoints_.pass_over();
  if (sentinels_) note_replica(now);
  fail(with_cure("READONLY it is a replica of " + now.master));
}

// It says that it takes no writes, or that it is a replica.
void RedisBackplane::hold_and_ask() {
  if (!std::exchange(held_, true)) {
    listener_->hold_appends();
    begin_round();
  }
  demoted_ = true;
  try_again_later();
}

void RedisBackplane::ask_role() {
  commands_.send({"INFO", "replication"});  // and not PING, which MISCONF refuses
  awaited_.push_back({.kind = Awaited::Kind::role});
  commands_.flush();
}

void RedisBackplane::report_refused(std::string_view channel, const std::string& error) {
  ++refused_;
  if (loop_.now() - refused_logged_ < between_refusals) return;
  refused_logged_ = loop_.now();
  log(Severity::error, "CWS0042: the backplane refused " +
                           std::to_string(std::exchange(refused_, 0)) +
                           " records, the last one because of: " + with_cure(error) +
                           (channel.empty() ? "" : ". Its channel has the key " +
                                                       keys_.meta(channel)));
}

}  // namespace cppwebsocket::channels
