// How a member begins: what it asked for, and what it is still to be given before it gets things as
// they come. Only its place in the past is kept, not the past.
// Thread: its reactor's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <cppwebsocket/publication.hpp>

#include "channels/members/shared_batch.hpp"
#include "channels/store/record.hpp"

namespace cppwebsocket::channels {

struct Beginning {
  Place place;                     // it gets everything that was published behind this
  std::optional<Position> resume;  // as in JoinOptions, and the next
  std::uint32_t history = 0;
  bool came_back = false;  // had something to resume, known or not

  Position at;                         // it has been given all up to here, or holds it
  std::vector<Arrival> first;          // goes before what is in the rings, from next_first on
  std::size_t next_first = 0;
  // What it holds in `first` is not all that it needs of the engine: this is the newest there.
  std::optional<Position> elsewhere;
  std::shared_ptr<SharedBatch> piece;  // is being given, from next_in_piece on
  std::size_t next_in_piece = 0;

  std::vector<Arrival> held;      // came meanwhile and has no offset: goes behind all that
  std::size_t held_bytes = 0;
  std::size_t skipped = 0;        // so many of what comes next are among these already

  // From the engine: what follows `at`. Without any, nothing more is to be found there.
  void take(StoredHistory&& found);

  bool recovering = true;  // it is not yet known where it begins
  bool has_asked = false;  // the uplink, for the first time
  bool is_asking = false;  // it, for more
  bool replays = false;    // it is being given its past
  bool is_listed = false;  // in Replays
};

}  // namespace cppwebsocket::channels
