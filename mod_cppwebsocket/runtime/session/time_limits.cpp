#include "runtime/session/time_limits.hpp"

#include <algorithm>

#include "runtime/session/blocking_session.hpp"
#include "runtime/session/connection.hpp"

namespace cppwebsocket::runtime {

namespace {

// A message that is still on its way, in or out, counts by its bytes.
detail::TimePoint idle_since(const Connection& connection) noexcept {
  const Wire& wire = connection.wire();
  const bool on_its_way = wire.protocol().in_message() || wire.unsent() != 0;
  const auto since = on_its_way ? std::max(wire.message_at(), wire.heard_at()) : wire.message_at();
  return connection.blocking() ? std::max(since, connection.blocking()->last_write()) : since;
}

// When the message that is coming has to be complete.
detail::TimePoint message_deadline(const Connection& connection) noexcept {
  const protocol::Protocol& protocol = connection.wire().protocol();
  const detail::TimePoint since = protocol.incomplete_since();
  if (since == detail::TimePoint{})
    return detail::TimePoint::max();
  const std::size_t more = protocol.incomplete_size() / Connection::slowest_message;
  return since + connection.message_timeout() + std::chrono::seconds(more);
}

void close_idle(Ending& ending) {
  constexpr char why[] = "no message for too long";
  ending.record_close(close_code::going_away, {});
  ending.start_closing(Close(close_code::going_away, "idle"), why);
  ending.end(why);
}

void close_in_term(const Close& close, Ending& ending) {
  constexpr char why[] = "the time for this connection is over";
  ending.record_close(close.code().value_or(close_code::normal), close.reason());
  ending.start_closing(Close(close), why);
  ending.end(why);
}

}  // namespace

detail::TimePoint steady_time(std::chrono::system_clock::time_point when) noexcept {
  using std::chrono::system_clock, std::chrono::steady_clock;
  constexpr std::chrono::hours forever{24 * 365 * 100};
  const system_clock::time_point now = system_clock::now();
  if (when > now + forever) return detail::TimePoint::max();
  return steady_clock::now() + std::max(std::chrono::nanoseconds(when - now), std::chrono::nanoseconds(0));
}

detail::TimePoint next_look(const Connection& connection) noexcept {
  const Ending& ending = connection.ending();
  if (!ending.is_open()) return ending.deadline();
  detail::TimePoint next = ending.leaving().next();
  if (ending.peer_close_waits()) return std::min(ending.deadline(), next);
  const Wire& wire = connection.wire();
  const ConnectionLimits& limits = connection.limits();
  next = std::min(next, message_deadline(connection));
  if (const Tasks::Term* const term = connection.tasks().term()) next = std::min(next, term->at);
  if (const Pace* const pace = connection.tasks().pace(); pace && pace->next() > connection.loop().now())
    next = std::min(next, pace->next());
  if (const Pin* const pin = connection.tasks().pin()) next = std::min(next, pin->next());
  if (limits.ping_interval.count() > 0 && wire.protocol().has_ping())
    next = std::min(next, wire.heard_at() + std::chrono::milliseconds(limits.ping_interval) * (wire.waits_for_pong() ? 2 : 1));
  if (limits.idle_timeout.count() > 0)
    next = std::min(next, idle_since(connection) + limits.idle_timeout);
  return next;
}

void look_after(Connection& connection) {
  Wire& wire = connection.wire();
  Ending& ending = connection.ending();
  const detail::TimePoint now = connection.loop().now();
  // While we do not read for the handler's sake, the peer's silence means nothing.
  if (ending.is_open() && !wire.interest().readable) {
    if (wire.unsent() == 0) wire.count_as_heard();
    if (wire.protocol().incomplete_since() != detail::TimePoint{})
      wire.protocol().note_incomplete(now);
  }
  if (Pin* const pin = connection.tasks().pin(); pin && ending.is_open()) pin->look_after();
  if (now < next_look(connection)) return;
  if (ending.state() == Ending::State::closing)
    return ending.lose("the peer did not answer our Close in time");
  if (ending.is_lingering()) return ending.drop("the peer did not close TCP in time");
  if (now >= ending.leaving().next()) return ending.leaving().go_on(connection);
  if (ending.peer_close_waits()) return ending.answer_peer_close(false);

  if (const Tasks::Term* const term = connection.tasks().term(); term && now >= term->at)
    return close_in_term(term->close, ending);
  if (now >= message_deadline(connection))
    return ending.fail(close_code::policy_violation, "a message took too long to arrive");
  const auto idle_timeout = connection.limits().idle_timeout;
  if (idle_timeout.count() > 0 && now >= idle_since(connection) + idle_timeout)
    close_idle(ending);
  else if (wire.waits_for_pong())
    ending.lose("the peer did not answer our ping in time");
  else
    wire.probe();
}

}  // namespace cppwebsocket::runtime
