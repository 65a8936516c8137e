// Places that are taken on httpd's workers, before a client can know that it is connected.
#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "channels/members/hub.hpp"
#include "runtime/session/blocking_session.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::channels {

namespace {

// A working backplane answers sooner by far; one that does not shall not keep clients out.
constexpr auto longest_wait = std::chrono::seconds(1);

}  // namespace

Reservation::~Reservation() {
  if (hub_) hub_->end_reservation(channel_);
}

void Hub::reserve(Request& request, std::string_view channel) {
  reserve(static_cast<runtime::Session&>(request).record(), channel);
}

void Hub::reserve(BlockingRequest& request, std::string_view channel) {
  reserve(static_cast<runtime::BlockingSession&>(request).session().record(), channel);
}

void Hub::reserve(detail::RequestRecord& record, std::string_view channel) {
  if (!record.handshake) throw BadOperationException("reserve works only during the handshake");
  detail::SeldomRecord& seldom = record.make_seldom();
  if (!seldom.places) seldom.places = std::make_shared<Reservations>();
  auto& reservations = *static_cast<Reservations*>(seldom.places.get());
  reservations.all.push_back(reserve(channel, reservations.has_waited_long));
}

Reservation Hub::reserve(std::string_view channel, bool& has_waited_long) {
  Reservation made(nullptr, std::string(channel));
  bool is_current = true;
  if (uplink_) {
    {
      Shard& shard = shard_of(channel);
      std::lock_guard lock(shard.mutex);
      if (shard.reserved[made.channel()]++ == 0 && !shard.members.contains(made.channel()))
        uplink_->in_use(channel, true);
      made = Reservation(this, std::string(channel));
    }
    is_current = !has_waited_long && wait_for_uplink(channel);
    has_waited_long |= !is_current && store_.child_counters().up != 0;
  }
  made.set_place(place(channel, is_current));
  return made;
}

void Hub::take_place(Request& request, Reservation&& place) {
  detail::SeldomRecord& seldom = static_cast<runtime::Session&>(request).record().make_seldom();
  if (!seldom.places) seldom.places = std::make_shared<Reservations>();
  static_cast<Reservations*>(seldom.places.get())->all.push_back(std::move(place));
}

// False: it is not known what other machines have published so far.
bool Hub::wait_for_uplink(std::string_view channel) {
  const auto done = std::make_shared<std::promise<void>>();
  auto future = done->get_future();
  const bool waits = uplink_->when_current(channel, [done] { done->set_value(); });
  if (waits && future.wait_for(longest_wait) != std::future_status::ready) return false;
  return store_.child_counters().up != 0;
}

Place Hub::place(std::string_view channel, bool is_current) const {
  Place place = store_.place(channel, uplink_ != nullptr);
  place.is_current = is_current || !uplink_;
  return place;
}

Reservation Hub::take_reservation(detail::RequestRecord& record,
                                  std::string_view channel) noexcept {
  if (!record.seldom || !record.seldom->places) return {};
  auto& all = static_cast<Reservations*>(record.seldom->places.get())->all;
  const auto found = std::ranges::find(all, channel, &Reservation::channel);
  if (found == all.end()) return {};
  Reservation taken = std::move(*found);
  all.erase(found);
  if (all.empty()) record.seldom->places.reset();
  return taken;
}

void Hub::end_reservation(const std::string& channel) noexcept {
  Shard& shard = shard_of(channel);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.reserved.find(channel);
  if (found == shard.reserved.end() || --found->second != 0) return;
  shard.reserved.erase(found);
  if (!shard.members.contains(channel)) uplink_->in_use(channel, false);
}

}  // namespace cppwebsocket::channels
