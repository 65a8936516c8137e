// How a child's connections end when it stops.
#pragma once

#include <algorithm>
#include <chrono>

#include <cppwebsocket/close.hpp>

namespace cppwebsocket::runtime {

// A later one overrides an earlier one.
// `soon`: what is left of a graceful stop is short, because httpd needs the child's place.
enum class Stop : int { no, gracefully, soon, at_once };

struct StopPlan {
  // A graceful stop: by then every client has been sent its Close. From WebSocketDrainTimeout.
  std::chrono::milliseconds drain_time{5'000};
  // Serve on until then, as far as possible; else the Closes are spread over all of it.
  bool keep_serving = false;
  // What the Closes of a graceful stop say.
  CloseCode drain_code = close_code::going_away;
  // And then, for the closing handshakes of a graceful stop.
  std::chrono::milliseconds drain_close_time{5'000};
  // A stop soon: as the two above. httpd's parent looks once a second whether a child has gone and
  // whether it needs another, so that with less than a second new clients wait two at most.
  std::chrono::milliseconds soon_time{750};
  std::chrono::milliseconds soon_close_time{1'250};
  // A stop at once: for goodbyes and closing handshakes.
  std::chrono::milliseconds close_time{2'000};
  // For handlers to end, once the connections are cut off that have not ended by then.
  std::chrono::milliseconds task_time{200};

  // When the first Close of a graceful stop is due. Clients that are told one by one do not come
  // back all at once.
  std::chrono::milliseconds drain_begin() const noexcept {
    constexpr std::chrono::milliseconds longest_tail{5'000};
    if (!keep_serving) return std::chrono::milliseconds(0);
    return drain_time - std::min(drain_time / 10, longest_tail);
  }
  CloseCode code(Stop how) const noexcept {
    return how == Stop::at_once ? close_code::going_away : drain_code;
  }
  // For goodbyes and closing handshakes, behind the last Close that is due.
  std::chrono::milliseconds closing_time(Stop how) const noexcept {
    if (how == Stop::gracefully) return drain_close_time;
    return how == Stop::soon ? soon_close_time : close_time;
  }
  // From the stop until the last Close is due.
  std::chrono::milliseconds leaving_time(Stop how) const noexcept {
    if (how == Stop::gracefully) return drain_time;
    return how == Stop::soon ? soon_time : std::chrono::milliseconds(0);
  }
  // From the stop until the connections that are left are cut off.
  std::chrono::milliseconds cut_off_after(Stop how) const noexcept {
    return leaving_time(how) + closing_time(how);
  }
};

}  // namespace cppwebsocket::runtime
