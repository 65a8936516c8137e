// What a blocking handler waits for beside messages: descriptors, and what its own threads tell each other.
// Thread: the handler's.
#include <algorithm>
#include <cerrno>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>

#include "runtime/session/blocking_session.hpp"
#include "runtime/session/descriptor_wait.hpp"

namespace cppwebsocket::runtime {

namespace {

int milliseconds_until(detail::TimePoint deadline) {
  if (deadline == detail::TimePoint::max()) return -1;
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp(left, milliseconds(0), milliseconds(1'000'000'000)).count());
}

}  // namespace

Readiness BlockingSession::wait_for(int descriptor, bool writable, detail::TimePoint deadline) {
  if (ready_state() == ReadyState::connecting)
    throw BadOperationException("readable and writable work only once the connection is open");
  must_not_wait_here(writable ? "writable" : "readable");
  const Descriptor own = DescriptorWait::duplicate(descriptor, writable);
  const Descriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (wake.get() < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  const std::stop_token stop = stop_token();
  const std::stop_callback tell(stop, [&]() noexcept { ::eventfd_write(wake.get(), 1); });
  pollfd watched[] = {{own.get(), static_cast<short>(writable ? POLLOUT : POLLIN), 0},
                      {wake.get(), POLLIN, 0}};
  for (;;) {
    const int timeout = milliseconds_until(deadline);
    const int count = ::poll(watched, 2, timeout);
    if (stop.stop_requested()) break;
    if (count > 0) return Readiness::ready;
    if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    if (count == 0 && milliseconds_until(deadline) == 0) return Readiness::timed_out;
  }
  const Lock lock(mutex_);
  if (over()) raise_end();
  throw ConnectionTerminatedException("the connection is closing");
}

bool BlockingSession::wait_until(const std::function<bool()>& done, detail::TimePoint deadline) {
  if (ready_state() == ReadyState::connecting)
    throw BadOperationException("waiting works only once the connection is open");
  Lock lock(mutex_);
  if (over()) raise_end();
  if (done()) return true;
  must_not_wait_here("waiting");
  bool is_done = false;
  const auto awake = [&] { return over() || (is_done = done()); };
  if (deadline == detail::TimePoint::max())
    changed_.wait(lock, awake);
  else
    changed_.wait_until(lock, deadline, awake);
  if (!is_done && over()) raise_end();
  return is_done;
}

void BlockingSession::change(const std::function<void()>& change) {
  const Lock lock(mutex_);
  change();
  changed_.notify_all();
}

}  // namespace cppwebsocket::runtime
