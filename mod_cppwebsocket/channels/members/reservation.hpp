// A place in a channel that a connection takes while its opening handshake is answered
// (Channel::reserve); its join begins there. Where there is a backplane, the channel is in use
// meanwhile, so that other machines' messages come.
// Thread: one at a time: an httpd worker's, then the connection's reactor's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "channels/store/record.hpp"

namespace cppwebsocket::channels {

class Hub;

class Reservation {
 public:
  Reservation() = default;
  // Ends with Hub::end_reservation(), if `hub` is not null.
  Reservation(Hub* hub, std::string channel) noexcept : hub_(hub), channel_(std::move(channel)) {}
  Reservation(Reservation&& other) noexcept
      : hub_(std::exchange(other.hub_, nullptr)),
        channel_(std::exchange(other.channel_, {})),
        place_(std::move(other.place_)) {}
  Reservation& operator=(Reservation&& other) noexcept {
    std::swap(hub_, other.hub_);
    std::swap(channel_, other.channel_);
    std::swap(place_, other.place_);
    return *this;
  }
  ~Reservation();

  explicit operator bool() const noexcept { return !channel_.empty(); }
  const std::string& channel() const noexcept { return channel_; }
  const Place& place() const noexcept { return place_; }
  void set_place(Place&& place) noexcept { place_ = std::move(place); }

 private:
  Hub* hub_ = nullptr;
  std::string channel_;
  Place place_;
};

// All of a connection, in detail::SeldomRecord::places.
struct Reservations {
  std::vector<Reservation> all;
  bool has_waited_long = false;  // for a backplane, in vain
};

}  // namespace cppwebsocket::channels
