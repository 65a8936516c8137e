#include "runtime/session/descriptor_wait.hpp"

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

#include <fcntl.h>

#include "runtime/session/connection.hpp"

namespace cppwebsocket::runtime {

namespace {

const char* name_of(bool writable) noexcept { return writable ? "writable" : "readable"; }

}  // namespace

DescriptorWait::DescriptorWait(detail::DescriptorOperation& operation, Connection& connection)
    : operation_(operation),
      connection_(connection),
      own_(duplicate(operation.descriptor, operation.writable)) {}

void DescriptorWait::begin(detail::DescriptorOperation& operation, Connection& connection) {
  std::unique_ptr<DescriptorWait> made(new DescriptorWait(operation, connection));
  try {
    connection.loop().watch(made->own_.get(), *made, Interest{!operation.writable, operation.writable});
  } catch (const std::system_error& e) {
    if (e.code().value() != EPERM) throw;
    throw BadOperationException(std::string(name_of(operation.writable)) + ": " +
                                std::to_string(operation.descriptor) +
                                " cannot be waited for; a file on disk is for run_blocking");
  }
  operation.watcher = made.release();
}

void DescriptorWait::end(detail::DescriptorOperation& operation, EventLoop& loop) noexcept {
  const std::unique_ptr<DescriptorWait> ended(static_cast<DescriptorWait*>(operation.watcher));
  operation.watcher = nullptr;
  loop.unwatch(ended->own_.get(), *ended);
  loop.disarm(operation.timer);
}

Descriptor DescriptorWait::duplicate(int descriptor, bool writable) {
  Descriptor made(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (made.get() >= 0) return made;
  if (errno == EBADF)
    throw BadOperationException(std::string(name_of(writable)) + ": the descriptor " +
                                std::to_string(descriptor) + " is not open");
  throw std::system_error(errno, std::generic_category(), name_of(writable));
}

// Which ends this.
void DescriptorWait::on_ready(bool, bool, bool) {
  Connection& connection = connection_;
  detail::DescriptorOperation& operation = operation_;
  operation.result = Readiness::ready;
  connection.turn([&] { connection.complete(operation); });
}

}  // namespace cppwebsocket::runtime
