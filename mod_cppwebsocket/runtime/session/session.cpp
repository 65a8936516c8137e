#include "runtime/session/session.hpp"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "runtime/loop/prefetch.hpp"
#include "runtime/session/blocking_session.hpp"
#include "runtime/session/receiving.hpp"
#include "runtime/session/time_limits.hpp"

namespace cppwebsocket::runtime {

namespace {
// How often one turn may go round before other sessions get theirs.
constexpr int max_rounds = 8;
}  // namespace

static_assert(sizeof(Session) <= 248 && sizeof(detail::RequestRecord) <= 104, "every idle connection pays for it");

Session::Session(std::unique_ptr<detail::RequestRecord> record,
                 std::shared_ptr<const Handler> handler, EventLoop& loop)
    : Connection(std::move(record), std::move(handler), loop) {
  if (this->handler().is_blocking()) set_blocking(std::make_unique<BlockingSession>(*this));
}

// --- called by the loop ------------------------------------------------------------------------

void Session::start() {
  wire().start();
  begin_count();
  record().state.store(ReadyState::open, std::memory_order_release);
  if (record().seldom && record().seldom->judge) record().seldom->judge->opened(*this);
  turn([&] { start_handler(); });
}

void Session::on_ready(bool readable, bool writable, bool hung_up) {
  if (ending().is_gone()) return;
  const Running::Turn now(loop().watched().running(), static_cast<Connection*>(this));
  begin_turn();
  if (writable || !readable) own_wire();  // not for messages that only come in
  guarded([&] {
    if (!readable && hung_up)
      ending().lose("the connection was reset");
    else if (readable && !tasks().inbox().has_unread())  // which a turn since may have kept
      receive_from_wire(*this);
  });
  end_turn();  // which writes
}

void Session::fetch() const noexcept { prefetch(this, sizeof *this); }

void Session::fetch_parts() const noexcept {
  prefetch(&record(), sizeof(detail::RequestRecord));
  wire().fetch();
  tasks().fetch();
}

void Session::go_away(detail::TimePoint when) {
  turn([&] { ending().leaving().leave_at(when, *this); });
}

void Session::go_away_now() {
  turn([&] { ending().leaving().close(*this); });
}

bool Session::cut_off() {
  const bool was_waiting = !ending().is_lingering() && !ending().is_gone();
  if (!ending().is_gone()) turn([&] { ending().lose("the server is stopping"); });
  return was_waiting;
}

// --- turns -------------------------------------------------------------------------------------

// Moves what can move. False: nothing has.
inline bool Session::go_round() noexcept {
  flush();
  bool moved = wire().guests().have_more() && ending().is_open() && wire().let_guests_send(false);
  if (wire().can_go_on_compressing() && !ending().is_gone()) {
    guarded([&] { wire().go_on_compressing(); });
    moved = true;
  }
  if (wire().owes_pong() && !ending().is_gone() && !above_high_water()) {
    guarded([&] { wire().pay_pong(); });
    moved = true;
  }
  if (tasks().senders_waiting() != 0 && wire().unsent() <= limits().send_buffer_size / 2) {
    wake_senders();
    moved = true;
  }
  if (tasks().woken() != 0) {
    resume_woken();
    moved = true;
  }
  if (tasks().inbox().has_unread() && may_receive(*this)) {
    std::string bytes = tasks().inbox().take_unread();
    guarded([&] { receive(bytes, *this); });
    moved = true;
  } else if (wire().has_input() && wants_input()) {
    guarded([&] { receive_from_wire(*this); });
    moved = true;
  }
  return moved;
}

void Session::end_turn() noexcept {
  reap();
  bool more = true;
  for (int round = 0; more && round < max_rounds; ++round) {
    if (loop().turn_is_over() || (round != 0 && loop().watch_turn())) {
      flush();
      break;
    }
    more = go_round();
  }
  if (ending().is_gone())  // there may be no other turn
    while (tasks().woken() != 0) resume_woken();
  if (ending().is_lingering()) wire().end_output();
  wire().settle();
  if (wire().is_own()) keep_unsent();  // else there is nothing, or a thread is about to say so
  if (Pins& pins = loop().pins(); pins.are_counted() && (tasks().pin() || pinned() >= Pins::worth)) pins.count(*this);
  if (!ending().is_gone()) {
    // With work left over, ask for writability: the socket has it, so the next turn comes at once. If
    // it has not, the timer does.
    const bool is_ending = ending().is_lingering() && !wire().output_ended();
    const Interest wanted{wants_input(), more || wire().unsent() != 0 || is_ending};
    if (wanted != wire().interest()) watch(wanted);
    if (!ending().is_gone()) look_again(more && wire().is_stuck());
  }
  if (ending().is_gone() && wire().is_open()) {
    end_count();
    loop().disarm(*this);
    loop().unwatch(*this);
    wire().close();
  }
  turn_ended();
  if (ending().is_gone() && tasks().are_done()) loop().finished(*this);
}

// Only those that are woken now: what they wake comes in the next round.
void Session::resume_woken() noexcept {
  for (std::size_t left = tasks().woken(); left > 0; --left) {
    tasks().resume_woken();
    reap();
  }
}

// Only those that wait now; one that fills the buffer again comes behind them.
void Session::wake_senders() noexcept {
  for (std::uint32_t left = tasks().senders_waiting(); left > 0; --left)
    if (auto* const operation = tasks().first(detail::OperationKind::send)) complete(*operation);
}

bool Session::wants_input() const noexcept {
  return ending().is_lingering() || (may_receive(*this) && !tasks().inbox().has_unread());
}

void Session::keep_unsent() noexcept {
  tell_unsent();
  try {
    const auto waited = wire().keep_unsent();
    if (waited > std::chrono::milliseconds(1)) {
      auto& longest = record().make_seldom().longest_wait;
      longest = std::max(longest, waited);
    }
  } catch (const std::bad_alloc& e) {
    ending().lose(e.what());
  }
}

void Session::watch(Interest wanted) noexcept {
  try {
    loop().watch(*this, wanted, !wire().is_watched());
    wire().set_watched(wanted);
  } catch (const std::system_error& e) {  // no memory in the kernel: the others go on
    ending().lose(e.what());
  }
}

// The timer is only ever moved forward in time when it fires, so that traffic costs nothing.
void Session::look_again(bool at_once) {
  const detail::TimePoint next = at_once ? loop().now() : next_look(*this);
  if (next != detail::TimePoint::max() && (!armed() || next < deadline)) loop().arm(*this, next);
}

}  // namespace cppwebsocket::runtime
