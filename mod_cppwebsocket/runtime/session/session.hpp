// Session: one connection in motion, from the handshake to the last byte. It keeps the turn; what
// it is made of is its Connection.
//
// Everything happens in turns: the loop calls an entry point, the session parses, resumes the
// coroutines that can go on, and at the end of the turn writes what has gathered with one system
// call. When the wire is gone and all tasks have returned, the loop destroys the session.
// Thread: construction, do_extra_handshake and open: an httpd worker. From start() on: the loop.
#pragma once

#include <cstdint>
#include <memory>

#include "runtime/session/connection.hpp"

namespace cppwebsocket::runtime {

class Session final : public Connection {
 public:
  // The loop's owner is told last of all.
  Session(std::unique_ptr<detail::RequestRecord> record, std::shared_ptr<const Handler> handler,
          EventLoop& loop);

  // --- called by the loop ----------------------------------------------------------------------

  void start();
  void on_ready(bool readable, bool writable, bool hung_up);

  // on_ready() comes soon: fetch into the cache what it needs. The second, a while after the first.
  void fetch() const noexcept;
  void fetch_parts() const noexcept;

  // The child stops. The first, at `when`: the handler may say goodbye, then comes the Close. The
  // second: the Close now. The last drops the wire; false if both sides had closed already.
  void go_away(detail::TimePoint when);
  void go_away_now();
  bool cut_off();

  // Where its loop keeps it.
  static constexpr std::uint32_t no_place = static_cast<std::uint32_t>(-1);
  std::uint32_t place() const noexcept { return record().place; }
  void set_place(std::uint32_t place) noexcept { record().place = place; }
  int descriptor() const noexcept { return wire().descriptor(); }

 private:
  void end_turn() noexcept override;
  bool go_round() noexcept;
  void wake_senders() noexcept;
  void resume_woken() noexcept;
  bool wants_input() const noexcept;
  void keep_unsent() noexcept;
  void watch(Interest wanted) noexcept;
  void look_again(bool at_once);
};

}  // namespace cppwebsocket::runtime
