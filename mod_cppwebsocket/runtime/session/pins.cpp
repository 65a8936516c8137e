#include "runtime/session/pins.hpp"

#include <chrono>
#include <new>
#include <string>

#include "runtime/session/connection.hpp"

namespace cppwebsocket::runtime {

namespace {
using namespace std::chrono_literals;
constexpr auto between_reliefs = 10ms;  // looking for the greediest goes through all of them
constexpr auto between_looks = 100ms;
constexpr auto patience = 1s;
}  // namespace

Pin::~Pin() { pins_.set(*this, 0); }

void Pin::look_after() {
  const detail::TimePoint now = connection_.loop().now();
  if (now < next()) return;
  next_ = now + between_looks;
  PinnedMemory& memory = *pins_.memory_;
  if (memory.has_room()) {
    is_slowed_ = false;
    return;
  }
  if (!memory.is_over() || now < slowed_at_ + patience || pins_.greediest() != this) return;
  is_slowed_ = false;
  memory.count_closed();
  connection_.log(memory.may_warn(now) ? LogLevel::warning : LogLevel::info,
                  "closing with 1013: the connections of this child pin " + std::to_string(memory.total()) +
                      " bytes, more than WebSocketMemory (" + std::to_string(memory.most()) +
                      "), and this one most: " + std::to_string(bytes_));
  constexpr char why[] = "too much memory is in use";
  Ending& ending = connection_.ending();
  ending.record_close(close_code::try_again_later, {});
  ending.start_closing(Close(close_code::try_again_later, why), why);
  ending.end(why);
  connection_.tasks().inbox().clear();
}

// Without memory for an entry it is not counted yet.
void Pins::count(Connection& connection) noexcept {
  const std::size_t bytes = connection.pinned();
  Pin* pin = connection.tasks().pin();
  try {
    if (!pin) pin = &connection.tasks().make_pin(connection);
    const bool has_grown = bytes > pin->bytes_;
    set(*pin, bytes < worth ? 0 : bytes);
    if (has_grown && memory_->is_over()) relieve(connection.loop().now());
  } catch (const std::bad_alloc&) {
  }
}

void Pins::set(Pin& pin, std::size_t bytes) {
  if (bytes == pin.bytes_) return;
  if (pin.bytes_ == 0) {
    pin.place_ = all_.size();
    all_.push_back(&pin);
  } else if (bytes == 0) {
    all_.back()->place_ = pin.place_;
    all_[pin.place_] = all_.back();
    all_.pop_back();
  }
  memory_->change(pin.bytes_, bytes);
  pin.bytes_ = bytes;
}

Pin* Pins::greediest() const noexcept {
  Pin* found = nullptr;
  for (Pin* each : all_)
    if ((!found || each->bytes_ > found->bytes_) && each->connection_.ending().is_open()) found = each;
  return found;
}

// Whoever is slowed does not grow; if it is the greediest still, its turn to be closed comes.
void Pins::relieve(detail::TimePoint now) noexcept {
  if (now < relieved_at_ + between_reliefs) return;
  relieved_at_ = now;
  Pin* const pin = greediest();
  if (!pin || pin->is_slowed_) return;
  pin->is_slowed_ = true;
  pin->slowed_at_ = now;
  pin->next_ = now + between_looks;
  memory_->count_slowed();
  pin->connection_.look_soon();
}

}  // namespace cppwebsocket::runtime
