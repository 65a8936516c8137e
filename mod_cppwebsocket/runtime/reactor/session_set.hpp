// A reactor's sessions. Each knows its place in it, so that it costs a pointer per session and no
// search; what a crowd needed is given back when it has gone.
// Thread: owner.
#pragma once

#include <cstdint>
#include <new>
#include <vector>

#include "runtime/session/session.hpp"

namespace cppwebsocket::runtime {

class SessionSet {
 public:
  void insert(Session& session) {
    session.set_place(static_cast<std::uint32_t>(sessions_.size()));
    sessions_.push_back(&session);
  }

  // False if it is not there.
  bool erase(Session& session) noexcept {
    const std::uint32_t place = session.place();
    if (place == Session::no_place) return false;
    sessions_[place] = sessions_.back();
    sessions_[place]->set_place(place);
    session.set_place(Session::no_place);
    sessions_.pop_back();
    if (sessions_.capacity() > 1024 && sessions_.size() < sessions_.capacity() / 4) shrink();
    return true;
  }

  bool empty() const noexcept { return sessions_.empty(); }
  std::size_t size() const noexcept { return sessions_.size(); }
  Session& operator[](std::size_t place) const noexcept { return *sessions_[place]; }
  std::vector<Session*> all() const { return sessions_; }

 private:
  friend struct DebugLayout;  // httpd/child/debug_layout.cpp
  void shrink() noexcept {
    try {
      sessions_.shrink_to_fit();
    } catch (const std::bad_alloc&) {  // it may ask for memory first
    }
  }

  std::vector<Session*> sessions_;
};

}  // namespace cppwebsocket::runtime
