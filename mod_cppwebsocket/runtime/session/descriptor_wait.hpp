// A coroutine's wait for a descriptor. It watches a duplicate of its own: so epoll knows each wait for
// itself, however many are for one descriptor, and whatever its owner closes or opens meanwhile.
// Thread: the session's, but for duplicate().
#pragma once

#include "runtime/session/event_loop.hpp"
#include "runtime/loop/descriptor.hpp"

namespace cppwebsocket::runtime {

class Connection;

class DescriptorWait final : private DescriptorWatcher {
 public:
  // `operation` is completed when its descriptor is ready; until end(), which must follow. Raises as
  // readiness.hpp says.
  static void begin(detail::DescriptorOperation& operation, Connection& connection);
  static void end(detail::DescriptorOperation& operation, EventLoop& loop) noexcept;

  // Raises BadOperationException for what is not open, else system_error. Thread: any.
  static Descriptor duplicate(int descriptor, bool writable);

 private:
  DescriptorWait(detail::DescriptorOperation& operation, Connection& connection);
  void on_ready(bool readable, bool writable, bool hung_up) override;

  detail::DescriptorOperation& operation_;
  Connection& connection_;
  const Descriptor own_;
};

}  // namespace cppwebsocket::runtime
