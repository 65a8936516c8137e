#include "httpd/child/place.hpp"

#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "runtime/reactor/room_for_children.hpp"

#include <ap_mpm.h>
#include <scoreboard.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <string>
#include <vector>

namespace cppwebsocket::httpd {

namespace {

using channels::shared::Seat;

// Longer than Stop::soon takes.
constexpr std::uint64_t patience_ms = 5'000;

std::size_t ask_mpm(int what) noexcept {
  int answer = 0;
  if (ap_mpm_query(what, &answer) != APR_SUCCESS) return 0;
  return static_cast<std::size_t>(std::max(answer, 0));
}

// All processes have the same clock.
std::uint64_t now_ms() noexcept {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

// In a seat 0 is of a child that has not noted its generation yet.
std::uint64_t noted(int generation) noexcept { return static_cast<std::uint64_t>(generation) + 1; }

bool is_taken(const Seat& seat) noexcept { return (seat.owner & 0xffffffff) != 0; }

// One of a former generation is told by httpd only when it gets round to it.
bool is_leaving(const Seat& seat, std::uint64_t running) noexcept {
  const std::uint64_t generation = seat.generation;
  return generation != 0 && (generation != running || seat.leaving != 0);
}

}  // namespace

void note_places(channels::ChannelMemory& memory) noexcept {
  // Each child has one of prefork's MaxRequestWorkers or event's ServerLimit until it has ended.
  // worker gives the place of one that drains to a new one; then the seats are what runs out.
  std::size_t places = memory.seats();
  std::size_t idle = 1;
  if (!is_threaded()) {
    places = ask_mpm(AP_MPMQ_MAX_DAEMONS);
    idle = ask_mpm(AP_MPMQ_MIN_SPARE_DAEMONS);
  } else {
    if (ask_mpm(AP_MPMQ_IS_ASYNC) != 0) places = ask_mpm(AP_MPMQ_HARD_LIMIT_DAEMONS);
    if (const std::size_t threads = ask_mpm(AP_MPMQ_MAX_THREADS); threads != 0)
      idle = (ask_mpm(AP_MPMQ_MIN_SPARE_THREADS) + threads - 1) / threads;
  }
  memory.header().places = places;
  memory.header().spare_places = runtime::spare_places(places, idle);
}

ChildPlace::ChildPlace(const channels::ChannelStore& store, server_rec* main_server) noexcept
    : memory_(store.memory()), seat_(memory_.seat(store.seat())), main_server_(main_server) {
  seat_.generation = noted(static_cast<int>(ask_mpm(AP_MPMQ_GENERATION)));
}

void ChildPlace::leave() noexcept { seat_.leaving = 1; }

bool ChildPlace::is_needed() noexcept {
  const std::size_t places = memory_.header().places;
  if (places == 0) return false;  // a child without a seat in the shared memory
  memory_.look_for_the_dead();    // who need no place
  try {
    const std::uint64_t running = noted(ap_get_scoreboard_global()->running_generation);
    std::vector<runtime::TakenPlace> taken;
    for (unsigned i = 0; i < memory_.used_seats(); ++i) {
      const Seat& seat = memory_.seat(i);
      if (!is_taken(seat)) continue;
      const std::uint64_t told = seat.told;
      taken.push_back(
          {seat.generation, is_leaving(seat, running), told != 0 && now_ms() - told > patience_ms});
    }
    tell(runtime::oldest_that_may_drain(taken, running, places, memory_.header().spare_places),
         running, taken.size());
  } catch (const std::bad_alloc&) {  // then it drains on, and looks again
  }
  return seat_.told != 0;
}

void ChildPlace::tell(std::uint64_t oldest, std::uint64_t running, std::size_t taken) noexcept {
  bool is_first = true;
  for (unsigned i = 0; i < memory_.used_seats(); ++i) {
    Seat& seat = memory_.seat(i);
    if (!is_taken(seat) || seat.generation >= oldest || !is_leaving(seat, running)) continue;
    std::uint64_t untold = 0;
    if (seat.told != 0 || !seat.told.compare_exchange_strong(untold, now_ms())) continue;
    if (is_first) report(oldest, taken);
    is_first = false;
  }
}

void ChildPlace::report(std::uint64_t oldest, std::size_t taken) const noexcept {
  const bool threaded = is_threaded();
  log_server(main_server_, APLOG_WARNING,
             "CWS0050: connections that drain are closed before their time, those of generation " +
                 std::to_string(oldest - 2) + " and before: httpd's children take " +
                 std::to_string(taken) + " of " + std::to_string(memory_.header().places) +
                 " places, and new ones need some. " +
                 (threaded ? "ServerLimit" : "MaxRequestWorkers (and ServerLimit)") +
                 " gives more room");
}

}  // namespace cppwebsocket::httpd
