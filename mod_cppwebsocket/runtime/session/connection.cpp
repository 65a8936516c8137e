#include "runtime/session/connection.hpp"

#include <utility>

#include "runtime/session/blocking_session.hpp"
#include "runtime/session/remote_control.hpp"
#include "runtime/session/request_text.hpp"
#include "runtime/session/time_limits.hpp"
#include "runtime/watch/watched_thread.hpp"

namespace cppwebsocket::runtime {

Subject describe_session(const void* connection) noexcept {
  const auto& self = *static_cast<const Connection*>(connection);
  const detail::RequestRecord& record = self.record();
  return {self.handler().name(), self.handler().version(), record.text(detail::Text::resource), record.id};
}

Connection::Connection(std::unique_ptr<detail::RequestRecord> record,
                       std::shared_ptr<const Handler> handler, EventLoop& loop)
    : Request(*record),
      record_(std::move(record)),
      handler_(std::move(handler)),
      wire_(loop),
      ending_(*this) {
  fire = [](detail::TimerNode& node) {
    auto& self = static_cast<Connection&>(node);
    self.turn([&] { look_after(self); });
  };
}

Connection::~Connection() {
  if (RemoteControl* const remote = tasks_.remote()) remote->detach();
  {
    const WatchedThread::Turn now(this);
    blocking_.reset();
    record_->user_data.reset();  // may run the handler's code, so before the handler goes
  }
  wire_.guests().say_goodbye();
  record_->seldom.reset();
  tasks_.forget_end();
  const void* const blocking = handler_->is_blocking() ? handler_.get() : nullptr;
  handler_.reset();
  if (SessionOwner* const owner = loop().owner()) owner->session_gone(loop(), blocking, *record_);
}

void Connection::do_extra_handshake() {
  WatchedThread::here();
  const WatchedThread::Turn now(this);
  const HandlerTable& table = handler_->table();
  if (blocking_)
    table.blocking_do_extra_handshake(*blocking_);
  else
    table.do_extra_handshake(*this);
}

void Connection::open(std::unique_ptr<Transport> transport,
                      std::unique_ptr<protocol::Protocol> protocol, std::string already_read) {
  own_text(*record_);
  if (const auto most = record_->handshake->largest_in_fragments)
    protocol->receive_in_fragments(*most);
  record_->handshake.reset();
  wire_.open(std::move(transport), std::move(protocol), blocking_ != nullptr);
  if (!already_read.empty()) tasks_.inbox().keep_unread(std::move(already_read));
}

void Connection::move_to(EventLoop& loop) noexcept { wire_.move_to(loop); }

void Connection::turn_away(const Close& close) noexcept {
  try {
    wire_.turn_away(close);
  } catch (const std::bad_alloc&) {  // then without a word
  }
}

void Connection::set_blocking(std::unique_ptr<BlockingSession> blocking) noexcept {
  blocking_ = std::move(blocking);
}

void Connection::begin_count() noexcept {
  add(counters().opened);
  add(counters().open);
}

void Connection::end_count() noexcept {
  HandlerCounters& handler = counters();
  subtract(handler.open);
  add(handler.closed[place_of(ending_.code())]);
  const auto age = wire_.tally().age(loop().now());
  add(handler.seconds, static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(age).count()));
  if (SessionOwner* const owner = loop().owner()) owner->connection_ended(*this);
}

void Connection::start_handler() {
  if (blocking_) {
    blocking_->start();
    return tasks_.thread_started();
  }
  try {
    tasks_.start_main(handler_->table().transfer_data(*this));
  } catch (...) {  // it is no coroutine itself, or there is no memory for its frame
    return ending_.task_ended(std::current_exception(), true);
  }
  reap();
}

void Connection::reap_ended() noexcept {
  while (auto ended = tasks_.take_ended())
    guarded([&] { ending_.task_ended(std::move(ended->error), ended->is_main); });
}

void Connection::take_back_wire() noexcept { wire_.take_back(blocking_->wire()); }

void Connection::turn_ended() noexcept {
  in_turn_ = false;
  if (wire_.can_be_lent() && ending_.is_open()) wire_.lend(blocking_->wire());
}

void Connection::tell_other_threads() noexcept {
  if (RemoteControl* const remote = tasks_.remote())
    remote->set_buffered(wire_.unsent_and_held_back());
  if (blocking_) blocking_->output_drained(wire_.unsent());
}

// --- what is asked for -------------------------------------------------------------------------

bool Connection::send_now(Message&& message, bool end) {
  if (!ending_.is_open()) return false;
  wire_.send(std::move(message), end);
  return true;
}

bool Connection::send_whole(Message&& message) {
  if (!ending_.is_open()) return false;
  wire_.send_whole(std::move(message));
  return true;
}

bool Connection::send(Message&& message, bool end) {
  require_sendable("send_message");
  if (message.is_binary() && !wire_.protocol().has_binary())
    throw BadOperationException("this client's protocol version has no binary messages");
  rules_.check(message, end);
  wire_.send(std::move(message), end);
  return has_room();
}

bool Connection::wait_for_room(detail::SendOperation& operation) noexcept {
  if (tasks_.have_ended()) operation.error = tasks_.end_reason();
  if (tasks_.have_ended() || has_room() || tasks_.is_given_up(operation)) return false;
  tasks_.wait(operation);
  return true;
}

bool Connection::send_ping(std::string_view body) {
  require_sendable("send_ping");
  if (!wire_.protocol().has_ping())
    throw BadOperationException("this client's protocol version has no pings");
  if (body.size() > 125) throw BadOperationException("a ping's body has at most 125 bytes");
  wire_.send_ping(body);  // RFC 6455 §5.5: control frames may go between fragments
  return !above_high_water();
}

bool Connection::begin(detail::CloseOperation& operation, Close&& close) {
  require_sendable("close_connection");
  return ending_.begin(operation, std::move(close));
}

std::optional<Message> Connection::try_receive() {
  require_started("try_receive");
  return tasks_.try_receive();
}

void Connection::spawn(Task<> task) {
  require_started("spawn");
  tasks_.require_not_ended();
  tasks_.start_beside(std::move(task));
  reap();
  if (tasks_.main_has_returned()) tasks_.require_not_ended();  // on account of the new one
}

Sender Connection::sender() {
  require_started("sender");
  return tasks_.sender(*this);
}

bool Connection::begin(detail::ReceiveOperation& operation) {
  require_started("receive_message");
  return tasks_.begin(operation, *this);
}

bool Connection::begin(detail::SleepOperation& operation, std::chrono::nanoseconds duration) {
  require_started("sleep_for");
  return tasks_.begin(operation, duration, *this);
}

void Connection::begin(detail::PoolOperation& operation) {
  require_started("run_blocking");
  tasks_.begin(operation, *this);
}

void Connection::begin(detail::DescriptorOperation& operation) {
  require_started(operation.writable ? "writable" : "readable");
  tasks_.begin(operation, *this);
}

void Connection::begin(detail::EventOperation& operation) {
  require_started("waiting");
  tasks_.branches();  // makes room for wake(), which must not fail
  tasks_.wait_for(operation);
}

void Connection::wake(detail::Operation& operation) noexcept {
  tasks_.wake(operation, loop());
  if (!in_turn_) turn([] {});
}

void Connection::begin(detail::OutsideOperation& operation) {
  require_started("waiting");
  tasks_.begin(operation, *this);
}

// By the clock that people have; only once, so that setting it afterwards changes nothing.
void Connection::close_at(std::chrono::system_clock::time_point when, Close close) {
  MessageRules::check_close(close);
  tasks_.set_term(false, steady_time(when), std::move(close));
}

std::size_t Connection::pinned_by_handler() const noexcept { return blocking_->pinned(); }

// --- guests ------------------------------------------------------------------------------------

void Connection::attach(SessionGuest& guest) {
  require_started("join");
  tasks_.require_not_ended();
  wire_.guests().attach(guest);
  if (wire_.is_own()) return;
  if (in_turn_)  // with a guest the wire is not lent again
    own_wire();
  else
    turn([] {});
}

std::optional<std::size_t> Connection::write_shared(std::string_view bytes) {
  if (!ending_.is_open()) return std::nullopt;
  const auto result = wire_.write_shared(bytes);
  if (!result) return std::nullopt;
  if (result->status == IoStatus::closed || result->status == IoStatus::error) {
    turn([&] { ending_.lose(result->error); });
    return bytes.size();
  }
  if (wire_.unsent() != 0) turn([] {});  // which watches for it
  return result->bytes;
}

}  // namespace cppwebsocket::runtime
