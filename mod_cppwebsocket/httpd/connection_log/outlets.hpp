// The files and programs of WebSocketLog, as the process that writes them has them.
// Thread: the parent's, then that process's own.
#pragma once

#include "httpd/connection_log/writer.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>

namespace cppwebsocket::httpd {

class Outlets {
 public:
  explicit Outlets(server_rec* main_server) noexcept : main_server_(main_server) {}

  // Raises runtime_error.
  void open(apr_pool_t* pool, const LogTarget& target);
  bool empty() const noexcept { return outlets_.empty(); }

  // A line for one of them. What a program does not read is kept, 1 MiB at most, and what is more is dropped. A line for
  // none that is here is of a child that knows logs which the configuration has no more: it is dropped.
  void write(std::uint64_t id, std::string_view line);

  // `socket`, and the programs that have something to read before they are written to again.
  std::vector<pollfd> to_wait_for(int socket) const;
  void flush();
  // Writes what is kept, and waits until programs have read it: a second at most.
  void finish();

 private:
  struct Outlet {
    std::string where;
    std::uint64_t id;
    int descriptor;
    bool is_pipe;
    std::string kept;
    std::uint64_t lost = 0;
    std::chrono::steady_clock::time_point told{};  // of what was lost
  };
  void flush(Outlet& outlet);
  void lose(Outlet& outlet, int error);

  server_rec* main_server_;
  std::vector<Outlet> outlets_;
};

}  // namespace cppwebsocket::httpd
