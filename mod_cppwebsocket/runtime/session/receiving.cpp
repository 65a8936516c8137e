#include "runtime/session/receiving.hpp"

#include <string>

#include "runtime/session/blocking_session.hpp"
#include "runtime/session/connection.hpp"

namespace cppwebsocket::runtime {

namespace {

// RFC 6455 §5.5.2: a pong in response, unless we have closed. §5.5.3: while the peer takes none, it
// is enough to remember the last ping.
void answer_ping(Connection& connection) {
  if (connection.server_terminated()) return;
  Wire& wire = connection.wire();
  const std::string_view body = wire.protocol().control_payload();
  if (connection.above_high_water())
    wire.owe_pong(body);
  else
    wire.send_pong(body);
}

void deliver_message(Connection& connection) {
  protocol::Protocol& protocol = connection.wire().protocol();
  protocol.forget_incomplete();
  Tasks& tasks = connection.tasks();
  // RFC 6455 §7.1.6: our Close was sent, no one waits.
  if (tasks.have_ended() || !connection.ending().is_open())
    return void(Message(protocol.take_message()));
  connection.wire().count_received(protocol.message_size());
  if (connection.blocking()) return connection.blocking()->deliver(protocol.take_message());
  detail::ReceiveOperation* const receiver = tasks.receiver();
  if (!receiver) return tasks.inbox().push(protocol.take_message());
  tasks.let_arrive();
  connection.complete(*receiver);
}

// What a message began with is not its end.
void note_incomplete(Connection& connection) {
  if (connection.message_timeout().count() == 0) return;
  protocol::Protocol& protocol = connection.wire().protocol();
  if (!protocol.in_message())
    protocol.forget_incomplete();
  else if (protocol.incomplete_since() == detail::TimePoint{})
    protocol.note_incomplete(connection.loop().now());
}

// For a receive that takes parts, what is here is enough; one of whole messages gathers them, as far as
// messages may be large. If nobody waits, they gather until the inbox is full.
void deliver_fragment(Connection& connection) {
  Message part(connection.wire().protocol().take_message());
  note_incomplete(connection);
  Tasks& tasks = connection.tasks();
  if (tasks.have_ended() || !connection.ending().is_open()) return;
  connection.wire().count_received(part.size(), detail::MessageAccess::continues(part) ? 0 : 1);
  if (connection.blocking()) return connection.blocking()->deliver(std::move(part));
  Inbox& inbox = tasks.inbox();
  inbox.push(std::move(part));
  detail::ReceiveOperation* const receiver = tasks.receiver();
  if (!receiver) return;
  if (!receiver->in_fragments && inbox.first_exceeds(connection.limits().max_message_size))
    connection.ending().fail_too_big();
  else if (inbox.has(receiver->in_fragments))
    connection.complete(*receiver);
}

void handle(protocol::Event event, Connection& connection) {  // but a message
  using protocol::Event;
  connection.own_wire();
  const protocol::Protocol& protocol = connection.wire().protocol();
  const detail::SeldomRecord* const callbacks = connection.record().seldom.get();
  switch (event) {
    case Event::none:
    case Event::message:
    case Event::fragment:
      break;
    case Event::ping:
      answer_ping(connection);
      if (callbacks && callbacks->on_ping)
        connection.guarded([&] { callbacks->on_ping(protocol.control_payload()); });
      break;
    case Event::pong:
      if (callbacks && callbacks->on_pong)
        connection.guarded([&] { callbacks->on_pong(protocol.control_payload()); });
      break;
    case Event::close:
      connection.ending().on_peer_close();
      break;
    case Event::failure:
      connection.ending().fail(protocol.failure().code, protocol.failure().text);
      break;
  }
}

// Counts what has come. False: the connection is closed on account of it.
bool keeps_pace(std::size_t messages, std::size_t bytes, Connection& connection) {
  Pace& pace = *connection.tasks().pace();
  if (!connection.ending().is_open()) return true;
  const detail::TimePoint now = connection.loop().now();
  const bool few_messages = messages == 0 || pace.count_message(now);
  const bool few_bytes = bytes == 0 || pace.count_bytes(bytes, now);
  if ((few_messages && few_bytes) || !pace.limits().close) return true;
  connection.own_wire();
  connection.ending().fail(*pace.limits().close, few_messages ? "too many bytes in a short time"
                                                              : "too many messages in a short time");
  return false;
}

void end_of_input(Connection& connection) {
  connection.own_wire();
  Ending& ending = connection.ending();
  const protocol::Protocol& protocol = connection.wire().protocol();
  if (ending.is_lingering())
    ending.drop("the peer has closed TCP");
  else if (!protocol.has_closing_handshake() && !protocol.in_message())
    ending.on_peer_close();  // draft-75 has no other way to close
  else
    ending.lose("the peer closed TCP without a closing handshake");
}

bool has_room(const Connection& connection) noexcept {
  const Ending& ending = connection.ending();
  if (ending.is_gone() || ending.peer_close_waits()) return false;
  const Tasks& tasks = connection.tasks();
  const bool full = connection.blocking() ? connection.blocking()->full()
                                          : tasks.inbox().full() && !tasks.receiver();
  return !full || !ending.is_open();
}

bool is_held_up(const Connection& connection) noexcept {
  return connection.tasks().is_held_up(connection.loop().now()) && connection.ending().is_open();
}

}  // namespace

bool may_receive(const Connection& connection) noexcept {
  return has_room(connection) && !is_held_up(connection);
}

void receive_from_wire(Connection& connection) {
  const IoResult result = connection.wire().read();
  switch (result.status) {
    case IoStatus::ok:
      if (connection.tasks().pace() && !keeps_pace(0, result.bytes, connection)) break;
      if (!connection.ending().is_lingering())
        receive(connection.loop().receive_buffer().first(result.bytes), connection);
      break;
    case IoStatus::would_block:
      break;
    case IoStatus::closed:
      end_of_input(connection);
      break;
    case IoStatus::error:
      connection.ending().lose(result.error);
      break;
  }
}

void receive(std::span<char> input, Connection& connection) {
  using State = Ending::State;
  constexpr unsigned events_unwatched = 32;
  const Ending& ending = connection.ending();
  const protocol::TurnShare& share = connection.loop().deflate_workspace().share();
  const bool has_pace = connection.tasks().pace() != nullptr;
  bool held_up = is_held_up(connection);
  unsigned events = 0;
  const auto keep_unread = [&] {
    if (!ending.is_gone() && !ending.peer_close_waits())
      connection.tasks().inbox().keep_unread(std::string(input.begin(), input.end()));
  };
  while (!input.empty() && (ending.state() == State::open || ending.state() == State::closing)) {
    if (connection.above_high_water()) connection.flush();
    if (held_up || !has_room(connection)) return keep_unread();
    if (++events % events_unwatched == 0 && connection.loop().watch_turn()) return keep_unread();
    const std::size_t inflated = share.inflated();
    const protocol::Event event = connection.wire().protocol().receive(input);
    if (has_pace) {
      const bool whole = event != protocol::Event::none && event != protocol::Event::fragment;
      if (!keeps_pace(whole ? 1 : 0, share.inflated() - inflated, connection)) return;
      held_up = is_held_up(connection);
    }
    if (event == protocol::Event::none)
      return input.empty() ? note_incomplete(connection) : keep_unread();
    if (event == protocol::Event::message)
      deliver_message(connection);
    else if (event == protocol::Event::fragment)
      deliver_fragment(connection);
    else
      handle(event, connection);
  }
}

}  // namespace cppwebsocket::runtime
