// Who sends on a session beside its handler: a list through the guests, the last of them first. A
// guest may detach itself while it is told of an end, but not while it refills.
// Thread: the session's.
#pragma once

#include "runtime/session/guest.hpp"

namespace cppwebsocket::runtime {

class Guests {
 public:
  bool empty() const noexcept { return !first_; }
  void attach(SessionGuest& guest) noexcept;  // one that is in no list
  void detach(SessionGuest& guest) noexcept;  // or nothing, if it is not here

  // Some have more to send than they could. Until the next refill().
  void expect_more() noexcept { have_more_ = true; }
  bool have_more() const noexcept { return have_more_; }
  void refill(bool all) noexcept;

  // The last that came is the first. `look` must not attach or detach any.
  template <typename Look>
  void for_each(Look look) const {
    for (const SessionGuest* guest = first_; guest; guest = guest->next_guest_) look(*guest);
  }

  void tell_given_up(const detail::Operation& operation) noexcept;  // SessionGuest::given_up()
  void tell_of_end() noexcept;  // SessionGuest::session_ended(); they stay
  void say_goodbye() noexcept;  // SessionGuest::session_gone(); none is left

 private:
  SessionGuest* first_ = nullptr;
  bool have_more_ = false;
};

}  // namespace cppwebsocket::runtime
