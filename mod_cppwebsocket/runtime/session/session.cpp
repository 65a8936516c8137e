#include "runtime/session/session.hpp"

#include <array>
#include <cassert>
#include <system_error>
#include <utility>

#include "runtime/session/blocking_session.hpp"
#include "runtime/loop/prefetch.hpp"
#include "runtime/session/remote_control.hpp"
#include "runtime/session/request_text.hpp"

namespace cppwebsocket::runtime {

namespace {
// How often one turn may go round before other sessions get theirs.
constexpr int max_rounds = 8;
}  // namespace

static_assert(sizeof(Session) <= 232, "every idle connection pays for it");

Session::Session(std::unique_ptr<detail::RequestRecord> record,
                 std::shared_ptr<const Handler> handler, EventLoop& loop,
                 SessionOwner* owner)
    : Request(*record),
      record_(std::move(record)),
      handler_(std::move(handler)),
      loop_(loop),
      owner_(owner) {
  fire = [](detail::TimerNode& node) {
    auto& self = static_cast<Session&>(node);
    self.turn([&] { self.housekeep(); });
  };
  if (handler_->is_blocking()) blocking_ = std::make_unique<BlockingSession>(*this);
}

Session::~Session() {
  if (seldom_ && seldom_->remote) seldom_->remote->detach();
  blocking_.reset();
  record_->user_data.reset();  // may run the handler's code, so before the handler goes
  say_goodbye_to_guests();
  record_->seldom.reset();
  end_reason_ = nullptr;
  const bool blocking = handler_->is_blocking();
  handler_.reset();
  if (owner_) owner_->session_gone(loop_, blocking);
}

Session::Seldom& Session::seldom() {
  if (!seldom_) seldom_ = std::make_unique<Seldom>();
  return *seldom_;
}

void Session::do_extra_handshake() {
  const HandlerTable& table = handler_->table();
  if (blocking_)
    table.blocking_do_extra_handshake(*blocking_);
  else
    table.do_extra_handshake(*this);
}

void Session::open(std::unique_ptr<Transport> transport,
                   std::unique_ptr<protocol::Protocol> protocol, std::string already_read) {
  own_text(*record_);
  record_->handshake.reset();
  transport_ = std::move(transport);
  protocol_ = std::move(protocol);
  lends_wire_ = may_ever_lend_wire();
  more_input_ = transport_->has_input();
  if (!already_read.empty()) seldom().unread = std::move(already_read);
}

void Session::start() {
  last_heard_ = last_message_ = loop_.now();
  record_->state.store(ReadyState::open, std::memory_order_release);
  turn([&] {
    if (blocking_) {
      blocking_->start();
      ++tasks_;  // the function on the blocking thread; task_ended when that has returned
      return;
    }
    Task<> task;
    try {
      task = handler_->table().transfer_data(*this);
    } catch (...) {  // it is no coroutine itself, or there is no memory for its frame
      ++tasks_;
      return task_ended(std::current_exception(), true);
    }
    run_main(std::move(task));
  });
}

void Session::on_ready(bool readable, bool writable, bool hung_up) {
  if (wire_ == Wire::gone) return;
  begin_turn();
  if (writable || !readable) own_wire();  // not for messages that only come in
  guarded([&] {
    if (readable)
      read_some();
    else if (hung_up)
      lose("the connection was reset");
  });
  end_turn();  // which writes
}

void Session::fetch() const noexcept { prefetch(this, sizeof *this); }

void Session::fetch_parts() const noexcept {
  prefetch(record_.get(), sizeof *record_);
  prefetch(transport_.get(), sizeof(Transport));
  prefetch(protocol_.get(), sizeof(protocol::Protocol) + 128);
  prefetch(receiver_, sizeof *receiver_);
}

// --- turns ------------------------------------------------------------------------------------

void Session::begin_turn() noexcept {
  assert(!in_turn_);
  in_turn_ = true;
  output_ = backlog_ ? backlog_.get() : &loop_.spare_output();
}

void Session::end_turn() noexcept {
  reap();
  bool more = true;
  for (int round = 0; more && round < max_rounds; ++round) {
    flush();
    more = guests_waiting_ && let_guests_send(false);
    if (seldom_ && seldom_->pong_owed && !above_high_water()) {
      const std::string body = *std::exchange(seldom_->pong_owed, std::nullopt);
      guarded([&] { answer_ping(body); });
      more = true;
    }
    if (senders_waiting_ != 0 && unsent() <= record_->limits.send_buffer_size / 2) {
      guarded([&] { wake_senders(); });
      more = true;
    }
    if (has_unread() && may_read()) {
      std::string bytes = std::exchange(seldom_->unread, {});
      guarded([&] { receive_bytes(bytes); });
      more = true;
    } else if (more_input_ && wants_input()) {
      guarded([&] { read_some(); });
      more = true;
    }
  }
  if (wire_ == Wire::lingering && unsent() == 0 && !write_ended_)
    write_ended_ = transport_->shutdown_write();
  take_back_output();
  if (wire_ != Wire::gone) {
    // With work left over, ask for writability: the socket has it, so the next turn comes at once.
    const bool ending = wire_ == Wire::lingering && !write_ended_;
    const Interest wanted{wants_input(), more || unsent() != 0 || ending};
    if (wanted != interest_) watch(wanted);
    if (wire_ != Wire::gone) rearm();
  }
  in_turn_ = false;
  if (lends_wire_ && owns_wire_) lend_wire();
  if (wire_ == Wire::gone && tasks_ == 0) loop_.finished(*this);
}

void Session::watch(Interest wanted) noexcept {
  try {
    loop_.watch(*this, wanted, !watched_);
    interest_ = wanted;
    watched_ = true;
  } catch (const std::system_error& e) {  // no memory in the kernel: the others go on
    lose(e.what());
  }
}

void Session::take_back_output() noexcept {
  if (!owns_wire_) return;  // nothing is unsent, or a handler's thread is about to say so
  std::size_t waiting = unsent();
  record_->buffered.store(waiting, std::memory_order_relaxed);
  if (seldom_) {
    for (const Message& message : seldom_->held_back) waiting += message.size();
    if (seldom_->remote) seldom_->remote->set_buffered(waiting);
  }
  if (blocking_) blocking_->output_drained(unsent());
  if (output_->empty()) {
    if (backlog_) output_ = &loop_.spare_output();
    return backlog_.reset();
  }
  if (backlog_) return;
  try {
    backlog_ = std::make_unique<protocol::Output>();
    std::swap(*backlog_, *output_);
    output_ = backlog_.get();
  } catch (const std::bad_alloc& e) {
    lose(e.what());
  }
}

// --- input ------------------------------------------------------------------------------------

// It does not depend on the output: who only streams out must still hear pings and the Close.
bool Session::may_read() const noexcept {
  const bool full = blocking_ ? blocking_->full() : inbox_.full();
  return wire_ != Wire::gone && !peer_close_waiting_ && (wire_ != Wire::open || !full);
}

bool Session::wants_input() const noexcept {
  return wire_ == Wire::lingering || (may_read() && !has_unread());
}

void Session::read_some() {
  const std::span<char> buffer = loop_.receive_buffer();
  const IoResult result = transport_->read(buffer);
  more_input_ = transport_->has_input();
  unsent_by_transport_ = transport_->unsent();
  switch (result.status) {
    case IoStatus::ok:
      last_heard_ = loop_.now();
      ping_sent_ = false;
      if (wire_ != Wire::lingering) receive_bytes(buffer.first(result.bytes));
      break;
    case IoStatus::would_block:
      break;
    case IoStatus::closed:
      own_wire();
      if (wire_ == Wire::lingering)
        drop_wire("the peer has closed TCP");
      else if (!protocol_->has_closing_handshake() && !protocol_->in_message())
        on_peer_close();  // draft-75 has no other way to close
      else
        lose("the peer closed TCP without a closing handshake");
      break;
    case IoStatus::error:
      lose(std::generic_category().message(result.error));
      break;
  }
}

void Session::receive_bytes(std::span<char> input) {
  while (!input.empty() && (wire_ == Wire::open || wire_ == Wire::closing)) {
    if (above_high_water()) flush();
    if (!may_read()) {
      if (wire_ != Wire::gone && !peer_close_waiting_)
        seldom().unread.assign(input.begin(), input.end());
      return;
    }
    const protocol::Event event = protocol_->receive(input);
    if (event == protocol::Event::none) return;
    if (event == protocol::Event::message)
      deliver_message();
    else
      handle_event(event);
  }
}

void Session::handle_event(protocol::Event event) {
  using protocol::Event;
  own_wire();
  switch (event) {
    case Event::none:
    case Event::message:
      break;
    case Event::ping:
      answer_ping(protocol_->control_payload());
      if (record_->seldom && record_->seldom->on_ping)
        guarded([&] { record_->seldom->on_ping(protocol_->control_payload()); });
      break;
    case Event::pong:
      if (record_->seldom && record_->seldom->on_pong)
        guarded([&] { record_->seldom->on_pong(protocol_->control_payload()); });
      break;
    case Event::close:
      on_peer_close();
      break;
    case Event::failure:
      fail(protocol_->failure().code, protocol_->failure().text);
      break;
  }
}

// RFC 6455 §5.5.2: a pong in response, unless we have closed. §5.5.3: while the peer takes none, it
// is enough to remember the last ping.
void Session::answer_ping(std::string_view body) {
  if (record_->server_terminated) return;
  if (above_high_water())
    seldom().pong_owed.emplace(body);
  else
    protocol_->send_pong(body, *output_);
}

void Session::deliver_message() {
  // RFC 6455 §7.1.6: our Close was sent, no one waits.
  if (ended_ || wire_ != Wire::open) return void(Message(protocol_->take_message()));
  last_message_ = loop_.now();
  if (blocking_) return blocking_->deliver(protocol_->take_message());
  if (!receiver_) return inbox_.push(protocol_->take_message());
  arriving_ = true;
  complete(*receiver_);
}

// --- output -----------------------------------------------------------------------------------

void Session::flush() noexcept {
  while (transport_ && unsent() != 0) {
    std::array<std::string_view, 16> pieces;
    const std::size_t count = output_->pieces(pieces.data(), pieces.size());
    std::size_t offered = 0;
    for (std::size_t i = 0; i < count; ++i) offered += pieces[i].size();
    const IoResult result = transport_->write(std::span(pieces.data(), count));
    unsent_by_transport_ = transport_->unsent();
    if (result.status == IoStatus::would_block) return;
    if (result.status != IoStatus::ok) {
      lose(std::generic_category().message(result.error));
      return;
    }
    output_->consume(result.bytes, &loop_.spare_payloads());
    if (wire_ != Wire::open) restart_deadline();  // it counts from our last byte
    if (result.bytes == offered && unsent_by_transport_ == 0) continue;
    last_heard_ = loop_.now();  // a slow peer that takes bytes is not a dead one
    return;
  }
}

void Session::wake_senders() {
  // Only those that wait now; one that fills the buffer again comes behind them.
  for (std::uint32_t left = senders_waiting_; left > 0 && senders_waiting_ > 0; --left) {
    detail::Operation* operation = pending_.front();
    while (operation && operation->kind != detail::OperationKind::send) operation = operation->next;
    if (!operation) return;
    complete(*operation);
  }
}

}  // namespace cppwebsocket::runtime
