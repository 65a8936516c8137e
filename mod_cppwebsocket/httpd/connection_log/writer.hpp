// Who writes the lines of WebSocketLog: a process of its own beside httpd's parent, one for each generation of children,
// which takes them from a socket that all generations share. So
//   - a child that drains for days writes to the file that there is now, not to one that logrotate has deleted;
//   - lines of all children come whole, in files and in pipes, and a program is told SIGTERM when it has read them;
//   - whatever is slow, a disk or a program that does not read, holds up nobody who serves.
//
// The parent opens the files, as root and at each start and restart, as it does all of httpd's logs; the process has
// the rights of a child. If it ends, it is begun again, and what was said meanwhile waits in the socket.
#pragma once

#include <httpd.h>

#include <cstdint>
#include <span>

namespace cppwebsocket::httpd {

// One WebSocketLog. The same file or program has the same `id` in each generation.
struct LogTarget {
  const char* where;  // an absolute path; or "|", "|$" and a command, as of CustomLog
  std::uint64_t id;
};
std::uint64_t log_id(const char* where) noexcept;

class LogFormat;

// A WebSocketLog of one virtual host.
struct ConnectionLog {
  LogTarget target;
  const LogFormat* format;
};

// Opens these, each once, and begins the process; without any there is none. Raises runtime_error with the file and the
// reason. Thread: post_config's.
void start_log_writer(apr_pool_t* pconf, server_rec* main_server, std::span<const LogTarget> logs);

// Where children send lines: each one packet, its LogTarget's id in eight bytes of this machine's order and the
// text with its newline. -1: no log was ever opened. To be called by a child, once: it has the other end no more then.
int take_log_socket() noexcept;

inline constexpr std::size_t longest_log_line = 32 << 10;  // bytes

}  // namespace cppwebsocket::httpd
