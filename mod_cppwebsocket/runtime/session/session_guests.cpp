// What channels need of a session: shared bytes go out between the handler's own, and whoever waits
// for a channel waits like for everything else.
#include <cassert>
#include <system_error>
#include <utility>

#include "runtime/session/session.hpp"
#include "runtime/session/guest.hpp"

namespace cppwebsocket::runtime {

void Session::attach(SessionGuest& guest) {
  require_started("join");
  if (ended_) std::rethrow_exception(end_reason_);
  guest.next_guest_ = std::exchange(guests_, &guest);
  if (owns_wire_) return;
  if (in_turn_)  // with a guest the wire is not lent again
    own_wire();
  else
    turn([] {});
}

void Session::detach(SessionGuest& guest) noexcept {
  SessionGuest** at = &guests_;
  while (*at && *at != &guest) at = &(*at)->next_guest_;
  if (*at) *at = std::exchange(guest.next_guest_, nullptr);
}

void Session::say_goodbye_to_guests() noexcept {
  while (guests_) {
    SessionGuest* const guest = guests_;
    guests_ = std::exchange(guest->next_guest_, nullptr);
    guest->session_gone();
  }
}

// The usual case takes no turn: nothing but one write.
std::optional<std::size_t> Session::write_shared(std::string_view bytes) {
  assert(owns_wire_);
  if (wire_ != Wire::open || sending_fragments_ || backlog_ || unsent_by_transport_ != 0)
    return std::nullopt;
  last_message_ = loop_.now();
  const IoResult result = transport_->write(std::span(&bytes, 1));
  unsent_by_transport_ = transport_->unsent();
  protocol_->shared_sent();
  if (result.status != IoStatus::ok && result.status != IoStatus::would_block) {
    turn([&] { lose(std::generic_category().message(result.error)); });
    return bytes.size();
  }
  if (unsent_by_transport_ != 0) turn([] {});  // which watches for it
  return result.bytes;
}

void Session::append_shared(const protocol::SharedBytes& bytes, std::size_t begin,
                            std::size_t end) {
  if (wire_ != Wire::open) return;
  last_message_ = loop_.now();
  output_->append(bytes, begin, end);
  protocol_->shared_sent();
}

void Session::tell_guests_of_end() noexcept {
  for (SessionGuest* guest = guests_; guest;) {
    SessionGuest* const next = guest->next_guest_;
    guest->session_ended();
    guest = next;
  }
}

// Between two messages of the handler's, and in the order in which they were given to the session.
bool Session::let_guests_send(bool all) noexcept {
  if (sending_fragments_ || wire_ != Wire::open || (!all && unsent() != 0)) return false;
  guests_waiting_ = false;  // whoever does not give all says so again
  const std::size_t before = output_->size();
  for (SessionGuest* guest = guests_; guest; guest = guest->next_guest_) guest->refill(all);
  return output_->size() != before;
}

void Session::wait_for(detail::Operation& operation) {
  if (ended_) std::rethrow_exception(end_reason_);
  wait(operation);
}

void Session::complete_now(detail::Operation& operation) noexcept { complete(operation); }

}  // namespace cppwebsocket::runtime
