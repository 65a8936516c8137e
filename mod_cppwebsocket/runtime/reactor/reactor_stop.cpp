// How a reactor's sessions end when the child stops: they leave one by one, the last are called,
// and what is left when time is up is cut off.
//
//   begin_stop ── leave_from_ ═ each: goodbye, Close ═════ leave_until_ ── last call ── cut off
#include <algorithm>
#include <string>

#include "runtime/reactor/reactor.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::runtime {

void Reactor::begin_stop(Stop how) noexcept {
  Stop now = stop_asked_;
  while (now < how && !stop_asked_.compare_exchange_weak(now, how)) {
  }
  wake();
}

void Reactor::end_when_empty() noexcept {
  no_more_come_ = true;
  wake();
}

void Reactor::stop_sessions(Stop how) {
  const bool is_first = stopping_ == Stop::no;  // a later one prolongs nothing
  stopping_ = how;
  leave_from_ = now_;
  if (how == Stop::gracefully) leave_from_ += plan_.drain_begin();
  const detail::TimePoint until = now_ + plan_.leaving_time(how);
  leave_until_ = is_first ? until : std::min(leave_until_, until);
  const std::vector<Session*> all = sessions_.all();
  for (std::size_t i = 0; i < all.size(); ++i) all[i]->go_away(leaving_time(i, all.size()));
  if (stop_step_ == StopStep::cut_off) return;
  const detail::TimePoint end = now_ + plan_.cut_off_after(how);
  cut_off_at_ = is_first ? end : std::min(cut_off_at_, end);
  const bool is_late = stop_step_ == StopStep::last_call;  // a graceful stop is near its end
  arm(*this, is_late ? cut_off_at_ : cut_off_at_ - plan_.closing_time(how) / 2);
  if (how == Stop::gracefully) look_around();
}

void Reactor::look_around() {
  if (!draining_ || stopping_ != Stop::gracefully) return;
  draining_();
  constexpr std::chrono::milliseconds interval{250};
  arm(look_, now_ + interval);
}

// Evenly, but not to the millisecond: other reactors and children do the same at the same time.
detail::TimePoint Reactor::leaving_time(std::size_t number, std::size_t count) {
  const detail::TimePoint from = std::max(leave_from_, now_);
  if (from >= leave_until_) return now_;
  const double share = std::uniform_real_distribution<double>(0, 1)(random_);
  const std::chrono::duration<double, std::nano> window = leave_until_ - from;
  const auto delay = window * ((static_cast<double>(number) + share) / static_cast<double>(count));
  return from + std::chrono::duration_cast<std::chrono::nanoseconds>(delay);
}

void Reactor::next_stop_step() {
  switch (stop_step_) {
    case StopStep::leaving: {  // a goodbye that takes too long must not cost the client its Close
      stop_step_ = StopStep::last_call;
      leave_until_ = now_;
      for (Session* session : sessions_.all()) session->go_away_now();
      arm(*this, cut_off_at_);
      break;
    }
    case StopStep::last_call:
      stop_step_ = StopStep::cut_off;
      cut_off();
      arm(*this, now_ + plan_.task_time);
      break;
    case StopStep::cut_off:
      given_up_ = !sessions_.empty() || expected_ != 0;
      report(std::max<std::size_t>(sessions_.size(), expected_), "handlers that did not end with their connections");
      break;
  }
}

void Reactor::cut_off() {
  const std::vector<Session*> all = sessions_.all();
  const auto count =
      std::count_if(all.begin(), all.end(), [](Session* session) { return session->cut_off(); });
  report(static_cast<std::size_t>(count),
         "connections cut off, because their clients had not answered the Close in time");
}

void Reactor::report(std::size_t count, std::string_view what) {
  if (count != 0 && report_) report_(std::string(what) + ": " + std::to_string(count));
}

}  // namespace cppwebsocket::runtime
