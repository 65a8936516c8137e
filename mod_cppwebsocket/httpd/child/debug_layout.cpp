// Where in memory a debugger finds what the handlers of a child wait for: a table that tools/gdb.py
// reads, in a process or its core, with or without debug information of this module. Change both
// together, and the version.
#include "httpd/child/child.hpp"

#include <cppwebsocket/detail/operations.hpp>
#include <cppwebsocket/detail/request_record.hpp>

#include <cstddef>
#include <cstdint>

// These classes have bases; g++ and clang know their offsets all the same.
#pragma GCC diagnostic ignored "-Winvalid-offsetof"

namespace cppwebsocket::runtime {

struct DebugLayout {
  static constexpr std::size_t reactors = offsetof(Runtime, reactors_);
  static constexpr std::size_t sessions =
      offsetof(Reactor, sessions_) + offsetof(SessionSet, sessions_);
  static constexpr std::size_t record = offsetof(Connection, record_);
  static constexpr std::size_t blocking = offsetof(Connection, blocking_);
  static constexpr std::size_t pending =
      offsetof(Connection, tasks_) + offsetof(Tasks, pending_) + offsetof(OperationList, first_);
};

}  // namespace cppwebsocket::runtime

namespace cppwebsocket::httpd {

struct DebugLayout {
  static constexpr std::size_t runtime = offsetof(Child, runtime_);
};

namespace {

struct DebugTable {
  Child* const* child;
  std::uint32_t numbers[16];
};

}  // namespace

// Exported: a stripped module has no other names.
extern "C" [[gnu::used, gnu::visibility("default")]] const DebugTable cppwebsocket_debug = {
    &the_child,
    {1,  // version
     DebugLayout::runtime, runtime::DebugLayout::reactors, runtime::DebugLayout::sessions,
     runtime::DebugLayout::record, runtime::DebugLayout::blocking, runtime::DebugLayout::pending,
     offsetof(detail::Operation, waiting), offsetof(detail::Operation, next),
     offsetof(detail::Operation, line), offsetof(detail::Operation, kind),
     offsetof(detail::RequestRecord, texts), offsetof(detail::RequestRecord, handler_name),
     offsetof(detail::RequestRecord, id), static_cast<std::uint32_t>(detail::Text::resource),
     // A coroutine's frame: what resumes it, what destroys it, and the promise, which begins with
     // who awaits it.
     2 * sizeof(void*)}};

}  // namespace cppwebsocket::httpd
