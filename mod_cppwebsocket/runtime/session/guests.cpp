#include "runtime/session/guests.hpp"

#include <utility>

namespace cppwebsocket::runtime {

void Guests::attach(SessionGuest& guest) noexcept {
  guest.next_guest_ = std::exchange(first_, &guest);
}

void Guests::detach(SessionGuest& guest) noexcept {
  SessionGuest** at = &first_;
  while (*at && *at != &guest) at = &(*at)->next_guest_;
  if (*at) *at = std::exchange(guest.next_guest_, nullptr);
}

void Guests::refill(bool all) noexcept {
  have_more_ = false;  // whoever does not give all says so again
  for (SessionGuest* guest = first_; guest; guest = guest->next_guest_) guest->refill(all);
}

void Guests::tell_given_up(const detail::Operation& operation) noexcept {
  for (SessionGuest* guest = first_; guest; guest = guest->next_guest_) guest->given_up(operation);
}

void Guests::tell_of_end() noexcept {
  for (SessionGuest* guest = first_; guest;) {
    SessionGuest* const next = guest->next_guest_;
    guest->session_ended();
    guest = next;
  }
}

void Guests::say_goodbye() noexcept {
  while (first_) {
    SessionGuest* const guest = first_;
    first_ = std::exchange(guest->next_guest_, nullptr);
    guest->session_gone();
  }
}

}  // namespace cppwebsocket::runtime
