// A child's place in httpd, seen from the others: they are noted beside the channels' seats, which
// all children have. A child that drains looks there whether httpd needs its place.
#pragma once

#include "channels/store/store.hpp"

#include <httpd.h>

namespace cppwebsocket::httpd {

// Notes how many places httpd has for children, and how many are to be free. Thread: the parent's,
// in post_config.
void note_places(channels::ChannelMemory& memory) noexcept;

class ChildPlace {
 public:
  // Of this process, which has just got its seat. `store` outlives it.
  ChildPlace(const channels::ChannelStore& store, server_rec* main_server) noexcept;

  // No new connections come. Again does nothing. Async-signal-safe.
  void leave() noexcept;

  // Of a child that leaves: whether it must make room for new ones. Tells others that must, too,
  // and the error log of them. Thread: any.
  bool is_needed() noexcept;

 private:
  void tell(std::uint64_t oldest, std::uint64_t running, std::size_t taken) noexcept;
  void report(std::uint64_t oldest, std::size_t taken) const noexcept;

  channels::ChannelMemory& memory_;
  channels::shared::Seat& seat_;
  server_rec* const main_server_;
};

}  // namespace cppwebsocket::httpd
