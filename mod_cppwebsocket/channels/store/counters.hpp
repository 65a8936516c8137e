// What one child counts, in the memory that all children share: a status page in any of them adds
// it up. Thread and process: any, to read and to count.
#pragma once

#include <atomic>
#include <cstdint>

namespace cppwebsocket::channels {

using Counter = std::atomic<std::uint64_t>;

struct HubCounters {
  Counter memberships{0};  // now
  Counter published{0};
  Counter delivered{0};    // messages to members
  Counter dropped{0};      // by a SlowPolicy
  Counter closed_slow{0};  // connections, with 1013
  Counter gaps{0};         // times that a reactor could not keep up
};

struct UplinkCounters {
  Counter used{0};    // 1: there is a backplane
  Counter up{0};      // 1: and its link works now
  Counter queued{0};  // now: waiting for the link, or for an answer
  Counter times_down{0};
  Counter sent{0};      // to other machines
  Counter received{0};  // from the backplane
  Counter lost{0};      // not sent to others: no link, no history or no room
  Counter repaired{0};  // fetched, because they came while nobody listened
};

struct ChildCounters : HubCounters, UplinkCounters {
  Counter connections{0};  // now
};

struct NamedCounter {
  Counter ChildCounters::*counter;
  const char* name;
  const char* title;
  bool now;  // over when the child is gone
};

inline constexpr NamedCounter counters_of_children[] = {
    {&ChildCounters::connections, "Connections", "connections", true},
    {&ChildCounters::memberships, "Memberships", "memberships", true},
    {&ChildCounters::published, "Published", "published", false},
    {&ChildCounters::delivered, "Delivered", "delivered", false},
    {&ChildCounters::dropped, "Dropped", "dropped for slow members", false},
    {&ChildCounters::closed_slow, "ClosedSlow", "slow members closed", false},
    {&ChildCounters::gaps, "Gaps", "gaps", false},
};

inline constexpr NamedCounter counters_of_uplinks[] = {
    {&ChildCounters::used, "Backplanes", "backplane", true},
    {&ChildCounters::up, "BackplanesUp", "up", true},
    {&ChildCounters::queued, "BackplaneWaiting", "waiting", true},
    {&ChildCounters::times_down, "BackplaneTimesDown", "times down", false},
    {&ChildCounters::sent, "BackplaneSent", "sent", false},
    {&ChildCounters::received, "BackplaneReceived", "received", false},
    {&ChildCounters::lost, "BackplaneNotSent", "not sent", false},
    {&ChildCounters::repaired, "BackplaneRepaired", "repaired", false},
};

// Calls `function` with each NamedCounter.
template <typename Function>
void for_each_counter(Function function) {
  for (const NamedCounter& each : counters_of_children) function(each);
  for (const NamedCounter& each : counters_of_uplinks) function(each);
}

}  // namespace cppwebsocket::channels
