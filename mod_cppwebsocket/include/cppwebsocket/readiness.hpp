// What became of a wait for a descriptor: Request::readable and writable, and the same of a BlockingRequest.
//
// A descriptor may be of a socket, a pipe, an eventfd, a timerfd or whatever else poll(2) can wait for. What is not
// open raises BadOperationException; so does a file on disk, in a coroutine handler, which is always
// ready as the kernel sees it, and read in run_blocking. Raises std::system_error if the process has no descriptor
// or memory left for it: each wait takes a descriptor more. Raises ConnectionTerminatedException if the
// connection ends first. An error and a hang-up of the other side are readiness, too: reading tells which.
//
// It stays the caller's, is not changed, and is not closed. Whoever closes it in another task or thread, while it is
// waited for, takes nothing away: the wait goes on for what was open when it began, which is kept open until the wait
// is over, whatever has got the number meanwhile. The other side sees the end then.
#pragma once

#include <cstdint>

namespace cppwebsocket {

enum class Readiness : std::uint8_t {
  ready,
  timed_out,  // the deadline came first
};

}  // namespace cppwebsocket
